// Makes and changes elements. Values are inserted as text, never as markup.

const SVG = 'http://www.w3.org/2000/svg';

// el makes an element: properties are attributes, except `text`, its text, and `on`, its
// listeners by event.
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

// svg is el for the elements of a drawing.
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'text') node.textContent = value;
    else if (name === 'on') for (const [event, f] of Object.entries(value)) node.addEventListener(event, f);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((c) => c !== undefined && c !== null && c !== false));
  return node;
}

// setText changes a text only if it differs, so that a selection and the position of a
// screen reader are kept.
export function setText(node, text) {
  const s = String(text);
  if (node.textContent !== s) node.textContent = s;
}

// setAttribute is setText for attributes; null and false remove it.
export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

// each makes the children of parent correspond to items, in their order. A child is kept
// as long as there is an item with its key. make returns an object
// with the child as node, and update, which is called with the item.
export function each(parent, items, key, make) {
  const kept = (parent.kept ??= new Map());
  const seen = new Set();
  let at = parent.firstElementChild;
  for (const item of items) {
    const k = key(item);
    seen.add(k);
    let part = kept.get(k);
    if (!part) {
      part = make(item);
      kept.set(k, part);
    }
    if (part.node === at) at = at.nextElementSibling;
    else parent.insertBefore(part.node, at);
    part.update(item);
  }
  for (const [k, part] of kept) {
    if (seen.has(k)) continue;
    part.node.remove();
    kept.delete(k);
  }
}

// find returns the element of the page with this id.
export function find(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the page has no #${id}`);
  return node;
}
