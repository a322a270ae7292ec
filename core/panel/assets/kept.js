// Small choices that are stored in the browser, if it allows that.

// kept returns the choice with this name, '' if there is none; with a value it stores
// that.
export function kept(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(`aitunnel.${name}`, value);
    return localStorage.getItem(`aitunnel.${name}`) ?? '';
  } catch {
    return value ?? '';
  }
}
