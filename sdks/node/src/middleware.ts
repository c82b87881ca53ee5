// For Express and whatever else speaks of (request, response, next): each request begins without a customer.
import type { IncomingMessage } from "node:http";
import { requestScope, separateRequests } from "./context.js";

/**
 * Everything after it belongs to one request and shares nothing with any other. `ask` is asked for the customer of a
 * request as soon as a call is made for which none was set, so that it may stand before whatever signs people in.
 *
 * Where a parser of bodies stands before it, what the parser calls later is that request's all the same.
 */
export function middleware<R = IncomingMessage>(
  ask?: (request: R) => unknown,
): (request: R, response: unknown, next: () => void) => void {
  separateRequests();
  return (request, _response, next) => requestScope(() => next(), ask && (() => ask(request)));
}
