/** The path before `?` or `#`. */
export function removeQueryAndFragment(path: string): string {
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code === 0x3f || code === 0x23) return path.slice(0, i);
  }
  return path;
}

/** The path without the parameters (`;…`) of each segment: `/a;v=1/b;w` → `/a/b`. */
export function removePathParameters(path: string): string {
  let semicolon = path.indexOf(';');
  if (semicolon < 0) return path;
  let out = '';
  let from = 0;
  while (semicolon >= 0) {
    out += path.slice(from, semicolon);
    const slash = path.indexOf('/', semicolon);
    if (slash < 0) return out;
    from = slash;
    semicolon = path.indexOf(';', from);
  }
  return out + path.slice(from);
}
