// Links to a <dialog> open it as a modal; without this script the dialog is the link's target.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-dialog], a[data-dialog-close]");
  const dialog = link?.matches("[data-dialog]") ? document.querySelector(link.hash) : link?.closest("dialog");
  if (!dialog?.showModal) return;
  event.preventDefault();
  if (link.matches("[data-dialog]")) dialog.showModal();
  else dialog.close();
});

document.addEventListener("click", (event) => {
  if (event.target.matches?.("dialog.dialog[open]")) event.target.close();
});
