"""A DNS server on loopback that knows the TXT records it is told."""

import socketserver
import threading

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset


class NameServer:
    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), handler_of(self))
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> "NameServer":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def handler_of(names: NameServer) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, socket = self.request
            query = dns.message.from_wire(data)
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            asked = query.question[0]
            texts = names.texts.get(asked.name.to_text(omit_final_dot=True), [])
            if texts and asked.rdtype == dns.rdatatype.TXT:
                quoted = [f'"{text}"' for text in texts]
                answer.answer.append(dns.rrset.from_text_list(asked.name, 60, "IN", "TXT", quoted))
            socket.sendto(answer.to_wire(), self.client_address)

    return Handler
