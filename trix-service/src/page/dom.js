// Makes elements, and brings what is shown up to date.
//
// Invariant: an update touches only what differs. Focus, typed text, open details, selected text and videos stay.

const run = (event) => event.currentTarget.handlers?.[event.type]?.(event);

function listen(element, handlers) {
  for (const type of Object.keys(handlers)) if (!element.handlers?.[type]) element.addEventListener(type, run);
  element.handlers = handlers;
}

/** Makes an element: make("td", { class: "number", onclick: work }, "12"). The attribute `key` names it among its siblings. */
export function make(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** Makes an element of a picture. */
export function shape(tag, attributes = {}, ...children) {
  return dress(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function dress(element, attributes, children) {
  const handlers = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "key") element.key = value;
    else if (name.startsWith("on")) {
      if (value) handlers[name.slice(2)] = value;
    } else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  if (Object.keys(handlers).length) listen(element, handlers);
  element.append(...nodes(children));
  return element;
}

/** A flat list of children without those that are not there. */
const nodes = (children) => [children].flat(9).filter((child) => child != null && child !== false);

/** An element that is built only if there is none of this key and version yet. */
export function keyed(tag, key, version, build) {
  const element = document.createElement(tag);
  Object.assign(element, { key, version, build });
  element.dataset.lazy = "";
  return element;
}

function built(element) {
  const { key, version } = element;
  return Object.assign(element.build(), { key, version });
}

/** The node as it is put into the page. */
function ready(node) {
  const own = node.build ? built(node) : node;
  if (own.querySelectorAll) for (const lazy of own.querySelectorAll("[data-lazy]")) lazy.replaceWith(ready(lazy));
  return own;
}

const isSame = (one, other) => one.nodeName === other.nodeName && one.key === other.key;

/** Makes the children of `parent` as `wanted` says. */
export function patch(parent, wanted) {
  const focus = parent.contains(document.activeElement) ? document.activeElement : null;
  let around = focus;
  while (around && around !== parent && around.key == null) around = around.parentElement;
  patchChildren(
    parent,
    nodes(wanted).map((node) => (typeof node === "object" ? node : document.createTextNode(node))),
  );
  if (!focus || document.activeElement === focus) return;
  // What had the focus was moved, or is gone.
  const near = around?.isConnected ? around.querySelector("a[href], button:not(:disabled), select, input") : null;
  const next = focus.isConnected ? focus : (near ?? parent.querySelector("h1"));
  next?.focus({ preventScroll: true });
}

function patchChildren(parent, wanted) {
  const known = new Map([...parent.childNodes].filter((child) => child.key != null).map((child) => [child.key, child]));
  const keys = new Set(wanted.map((node) => node.key));
  let at = parent.firstChild;
  const drop = () => {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  };
  const isGone = (node) => node.key != null && !keys.has(node.key);
  for (const next of wanted) {
    while (at && isGone(at)) drop();
    const old = next.key != null ? known.get(next.key) : alike(at, next);
    if (!old || !isSame(old, next)) {
      parent.insertBefore(ready(next), at);
      continue;
    }
    if (next.key == null) while (at !== old && at.key == null) drop();
    if (at === old) at = at.nextSibling;
    else parent.insertBefore(old, at);
    update(old, next);
  }
  while (at) drop();
}

/** The next node without a key that can become `next`. */
function alike(at, next) {
  let own = at;
  while (own && own.key == null && !isSame(own, next)) own = own.nextSibling;
  return own && own.key == null ? own : null;
}

function update(old, next) {
  if (next.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  if (next.build) {
    if (old.version === next.version) return;
    next = built(next);
  }
  old.version = next.version;
  if (old.dataset.keep != null && next.dataset.keep != null) return;
  patchAttributes(old, next);
  listen(old, next.handlers ?? {});
  if (old.nodeName !== "TEXTAREA") patchChildren(old, [...next.childNodes]);
  if (old === document.activeElement) return;
  if (old.type === "checkbox" || old.type === "radio") old.checked = next.checked;
  else if ("value" in next && /^(INPUT|SELECT|TEXTAREA)$/.test(old.nodeName) && old.value !== next.value) old.value = next.value;
}

/** What the user or the browser sets by itself. */
const stays = (element, name) => name === "open" || (name === "tabindex" && element.classList.contains("scroll"));

function patchAttributes(old, next) {
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name) && !stays(old, name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes)
    if (old.getAttribute(name) !== value && !stays(old, name)) old.setAttribute(name, value);
}
