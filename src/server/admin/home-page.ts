import type { AdminHandler } from '../../contract/admin.ts';
import type { AdminRouter } from './router.ts';

/** `/` and `/help`. */
export function homePages(router: AdminRouter): AdminHandler[] {
  return [
    {
      path: '/',
      help: 'Admin home page',
      mutates: false,
      parameters: [],
      handle: () => ({ status: 200, contentType: 'text/html; charset=UTF-8', body: homePage(router) }),
    },
    {
      path: '/help',
      help: 'print out list of admin commands',
      mutates: false,
      parameters: [],
      handle: () => ({ status: 200, body: router.helpText() }),
    },
  ];
}

const STYLE =
  'body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#222}' +
  'h1{font-size:1.4rem}form{border-top:1px solid #ddd;padding:.5rem 0}' +
  'button,a{font:600 1em ui-monospace,monospace;background:none;border:0;color:#05c;cursor:pointer;padding:0;text-decoration:none}' +
  'label{display:block;margin-left:2rem;color:#555}input{font:inherit;margin-right:.5rem}';

/** One form a command; nothing is loaded from elsewhere. */
function homePage(router: AdminRouter): string {
  let rows = '';
  for (const handler of router.sorted) {
    if (handler.path === '/') continue;
    const method = handler.mutates ? 'post' : 'get';
    const inputs = handler.parameters
      .map((each) => `<label><input name="${escapeHtml(each.id)}" form="${formId(handler)}"> ${escapeHtml(`${each.id}: ${each.help}`)}</label>`)
      .join('');
    rows +=
      `<form id="${formId(handler)}" action="${escapeHtml(handler.path.slice(1))}" method="${method}">` +
      `<button type="submit">${escapeHtml(handler.path.slice(1))}</button> ${escapeHtml(handler.help)}${inputs}</form>\n`;
  }
  return (
    `<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>nuncio admin</title>\n<style>${STYLE}</style>\n</head>\n` +
    `<body>\n<h1>nuncio admin</h1>\n${rows}</body>\n</html>\n`
  );
}

function formId(handler: AdminHandler): string {
  return `f${handler.path.replaceAll('/', '-')}`;
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
