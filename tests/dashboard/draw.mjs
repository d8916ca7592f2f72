// Draws deploy/grafana/dashboard.json from a Prometheus with Grafana's own components, in Chromium:
//
//   node draw.mjs [--prometheus http://localhost:9090] [--from MS] [--to MS] [--scrape SECONDS] [--out dashboard.png]
//
// `from` and `to` are milliseconds since 1970, by default the last hour; `scrape` is Prometheus' scrape interval (15).
// Prints a line for each query. Fails where a query fails, or a panel has no data; then too there is a picture.

import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const HERE = dirname(fileURLToPath(import.meta.url));
const DASHBOARD = join(HERE, '../../deploy/grafana/dashboard.json');
const MODULES = join(HERE, 'node_modules');
const FONTS = { 'Inter-Regular': 'inter-latin-400-normal', 'Inter-Medium': 'inter-latin-500-normal' };
const SITE = 'http://dashboard.invalid';
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const WIDTH = 1600;
const mistakes = []; // of the page

const { values: given } = parseArgs({
  options: {
    prometheus: { type: 'string', default: 'http://localhost:9090' },
    from: { type: 'string', default: String(Date.now() - 3600_000) },
    to: { type: 'string', default: String(Date.now()) },
    scrape: { type: 'string', default: '15' },
    out: { type: 'string', default: 'dashboard.png' },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
  },
});

/** The page's files by name. */
async function bundled() {
  const built = await build({
    entryPoints: { main: join(HERE, 'page/main.jsx') },
    outdir: '/',
    bundle: true,
    write: false,
    minify: true,
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.ttf': 'empty', '.svg': 'text' },
    logLevel: 'warning',
  });
  const files = built.outputFiles.map(({ path, contents }) => [path.slice(1), Buffer.from(contents)]);
  return new Map([
    ...files,
    ['index.html', await readFile(join(HERE, 'page/index.html'))],
    ['dashboard.json', await readFile(DASHBOARD)],
  ]);
}

/** Where the packages have a font or an icon that Grafana's components ask for. */
function packaged(path) {
  const name = basename(path, '.woff2');
  return name in FONTS
    ? join(MODULES, `@fontsource/inter/files/${FONTS[name]}.woff2`)
    : join(MODULES, '@grafana/ui/dist', path.replace(/^public\/build\//, 'public/'));
}

/** The page's own files, those of the packages, and what Prometheus says. */
async function answer(route, files) {
  const url = new URL(route.request().url());
  if (url.pathname.startsWith('/api/')) {
    const said = await fetch(given.prometheus + url.pathname + url.search);
    await route.fulfill({ status: said.status, body: await said.text(), contentType: 'application/json' });
    return;
  }
  const path = url.pathname.slice(1);
  const body = files.get(path) ?? (await readFile(packaged(path)).catch(() => null));
  await route.fulfill(body ? { body, contentType: TYPES[extname(path)] } : { status: 404 });
}

async function draw() {
  const files = await bundled();
  const browser = await chromium.launch({
    executablePath: given.chromium,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  try {
    const page = await browser.newPage({ viewport: { width: WIDTH, height: 1200 } });
    page.setDefaultTimeout(120_000); // of a busy machine
    page.on('pageerror', (error) => mistakes.push(error.stack));
    page.on('console', (message) => {
      if (message.type() === 'error') {
        mistakes.push(`${message.text()} ${message.location().url}`);
      }
    });
    await page.route(`${SITE}/**`, (route) => answer(route, files));
    const { from, to, scrape } = given;
    await page.goto(`${SITE}/index.html?${new URLSearchParams({ from, to, scrape })}`);
    await page
      .waitForFunction(() => window.wanted && window.notes.length === window.wanted)
      .catch((error) => {
        throw new Error([error.message, ...mistakes].join('\n'));
      });
    await page.evaluate(() => document.fonts.ready);
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width: WIDTH, height }); // tables paint what is in view alone
    await page.waitForTimeout(2000); // the plots are drawn after their data are there
    await page.screenshot({ path: given.out });
    return await page.evaluate(() => window.notes);
  } finally {
    await browser.close();
  }
}

const notes = await draw();
for (const { panel, expr, series, error } of notes) {
  console.log(`${panel}: ${error ?? `${series} series`}   ${expr}`);
}
const shown = new Set(notes.filter(({ series }) => series).map(({ panel }) => panel));
const empty = [...new Set(notes.map(({ panel }) => panel))].filter((panel) => !shown.has(panel));
if (empty.length || mistakes.length || notes.some(({ error }) => error)) {
  console.error([`without data: ${empty.join(', ') || 'none'}`, ...mistakes].join('\n'));
  process.exitCode = 1;
}
