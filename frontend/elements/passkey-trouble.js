// <passkey-trouble>: says what to do when the browser made or found no passkey; the library only tells the console.
class PasskeyTrouble extends HTMLElement {
  connectedCallback() {
    document.addEventListener("allauth.error", (event) => {
      event.preventDefault();
      const isKnown = event.detail.exception?.name === "InvalidStateError";
      this.querySelector("[role=status]").textContent = isKnown
        ? "This device has a passkey for your account already."
        : "No passkey was used. Try again, or choose another way.";
    });
  }
}

customElements.define("passkey-trouble", PasskeyTrouble);
