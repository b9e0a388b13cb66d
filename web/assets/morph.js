// morph makes one tree of elements equal to another by changing as little as possible: what is equal stays the same
// element, with its scroll position, focus, selection and open details. Elements with an id are found again wherever
// they have gone; the others are compared by place. What has data-keep belongs to a script and is left alone.

// theReaders tells the attributes that the reader changes, and of which the page's source knows nothing.
function theReaders(element) {
  if (element.nodeName === "DETAILS") return ["open"];
  return element.nodeName === "INPUT" && element.type !== "hidden" ? ["value"] : [];
}

export function morph(from, to, added = () => {}) {
  if (from.hasAttribute("data-keep")) return;
  attributes(from, to);
  children(from, to, added);
}

function attributes(from, to) {
  const theirs = theReaders(from);
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !theirs.includes(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !theirs.includes(name)) from.setAttribute(name, value);
  }
}

function children(from, to, added) {
  const wanted = new Set([...to.children].map((child) => child.id).filter(Boolean));
  const known = new Map();
  for (const child of [...from.children]) {
    if (!child.id) continue;
    if (wanted.has(child.id)) known.set(child.id, child);
    else child.remove();
  }
  let at = own(from.firstChild);
  for (const next of [...to.childNodes]) {
    const match = known.get(next.id) ?? samePlace(at, next);
    if (!match) {
      const node = document.importNode(next, true);
      from.insertBefore(node, at);
      if (node.nodeType === Node.ELEMENT_NODE) added(node);
      continue;
    }
    while (at && at !== match && at.nodeType === Node.TEXT_NODE) at = remove(at); // left over around what was removed
    if (match === at) at = own(at.nextSibling);
    else from.insertBefore(match, at);
    if (match.nodeType === Node.ELEMENT_NODE) morph(match, next, added);
    else if (match.data !== next.data) match.data = next.data;
  }
  while (at) at = remove(at);
}

// own steps over what a script has added (data-own): the page's source does not know it.
function own(node) {
  while (node?.nodeType === Node.ELEMENT_NODE && node.hasAttribute("data-own")) node = node.nextSibling;
  return node;
}

// remove takes a node out and returns the next.
function remove(node) {
  const next = own(node.nextSibling);
  node.remove();
  return next;
}

// samePlace is the node that stands where next belongs, if it is of the same kind.
function samePlace(at, next) {
  if (!at || at.nodeType !== next.nodeType || at.nodeName !== next.nodeName) return null;
  return at.nodeType === Node.ELEMENT_NODE && (at.id || next.id) ? null : at;
}
