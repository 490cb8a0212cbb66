// Drives the browser app as a person would and tells what it saw, as one JSON object on standard output.
// usage: node journey.mjs CONFIG.json — {playwright, chromium, base, username, oneTimePassword, password, project,
// good, bad: [files], spoken: bool, shots: folder or null}
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { chromium } = await import(pathToFileURL(join(config.playwright, 'index.mjs')).href);

// The machine may be slow and busy; what takes longer than this is broken.
const PATIENCE = 90_000;
const say = (text) => process.stderr.write(`browser: ${text}\n`);
const id = (name) => `[data-testid="${name}"]`;

const browser = await chromium.launch({
  executablePath: config.chromium,
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
});
const seen = { outside: [], errors: [], refused: {} };
try {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (!['blob:', 'data:'].includes(url.protocol) && url.origin !== config.base) seen.outside.push(request.url());
  });
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  const shot = async (name) => {
    if (config.shots) await page.screenshot({ path: join(config.shots, `${name}.png`) });
  };

  say('signing in with the one-time password, which must be changed');
  await page.goto(config.base);
  await page.fill(id('signin-username'), config.username);
  await page.fill(id('signin-password'), config.oneTimePassword);
  await shot('sign-in');
  await page.click(id('signin-submit'));
  await page.fill(id('newpw-current'), config.oneTimePassword);
  await page.fill(id('newpw-new'), config.password);
  await page.click(id('newpw-submit'));

  say('making a project');
  await page.click(id('new-project'));
  await page.fill(id('new-project-name'), config.project);
  await page.click(id('new-project-create'));

  say('uploading a good file between bad ones');
  const started = Date.now();
  await page.setInputFiles(id('upload-input'), [...config.bad, config.good]);
  await page.waitForSelector(id('tray'));
  const item = (file) => page.locator(id('tray-item'), { hasText: basename(file) });
  for (const file of config.bad) {
    const problem = item(file).locator(id('problem'));
    await problem.waitFor();
    seen.refused[basename(file)] = (await problem.innerText()).trim();
  }
  await shot('tray');

  say('waiting until it plays');
  const card = page.locator(`${id('asset-card')}[data-state="playable"], ${id('asset-card')}[data-state="ready"]`);
  await card.first().waitFor();
  seen.playableAfterMs = Date.now() - started;
  seen.cards = await page.locator(id('asset-card')).count();
  await shot('library');
  await card.first().locator('a').first().click();
  const player = page.locator(id('player'));
  await player.waitFor();
  const video = page.locator(`${id('player')} video, video${id('player')}`).first();
  await video.waitFor({ state: 'attached' });
  await video.evaluate(async (element) => {
    element.muted = true;
    await element.play();
  });
  const startedAt = await video.evaluate((element) => element.currentTime);
  await page.waitForFunction(
    ({ selector, from }) => (document.querySelector(selector)?.currentTime ?? 0) > from + 1,
    { selector: `${id('player')} video, video${id('player')}`, from: startedAt },
    { timeout: PATIENCE },
  );
  seen.video = await video.evaluate((element) => {
    const canvas = document.createElement('canvas');
    canvas.width = 64;
    canvas.height = 36;
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    pen.drawImage(element, 0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(pen.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return {
      currentTime: element.currentTime,
      readyState: element.readyState,
      width: element.videoWidth,
      height: element.videoHeight,
      colours: new Set(pixels).size,
    };
  });
  await shot('player');

  if (config.spoken) {
    say('waiting for words');
    const segments = page.locator(id('transcript-segment'));
    await segments.first().waitFor({ timeout: 2 * PATIENCE });
    seen.segments = (await segments.allInnerTexts()).map((text) => text.trim());
    await shot('transcript');
  }
} catch (error) {
  seen.failed = String(error?.stack ?? error);
} finally {
  await browser.close();
}
process.stdout.write(`${JSON.stringify(seen)}\n`);
process.exitCode = seen.failed ? 1 : 0;
