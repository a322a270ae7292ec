// Small choices that outlive the page, where the browser lets us keep them.

// kept returns the choice with this name, '' if there is none; with a value it
// keeps that.
export function kept(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(`aitunnel.${name}`, value);
    return localStorage.getItem(`aitunnel.${name}`) ?? '';
  } catch {
    return value ?? '';
  }
}
