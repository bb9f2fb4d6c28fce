// Every method of the official SDK for hosted images, and what it throws.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import Cloudflare, { toFile } from 'cloudflare';
import { png } from './picture.mjs';

const { CALOTYPE_URL: url, CALOTYPE_ACCOUNT: account_id, CALOTYPE_TOKEN: apiToken } = process.env;
const requests = [];
const client = new Cloudflare({
  apiToken,
  baseURL: `${url}/client/v4`,
  fetch: async (input, init) => {
    requests.push(`${init?.method ?? 'GET'} ${String(input)}`);
    return fetch(input, init);
  },
});
const images = client.images;
const bytes = png(40, 30);
const lamp = () => toFile(bytes, 'lamp.png', { type: 'image/png' });
const at = { account_id };
const base = `/accounts/${account_id}/images`;
const result = async (asked) => (await asked).result;

describe('images.v1', () => {
  test('create, get, edit and delete go round, with metadata of every kind', async () => {
    const created = await images.v1.create({
      ...at,
      file: await lamp(),
      metadata: { shelf: 'B4', priority: 2, region: { name: 'eu' } },
      creator: 'user-318',
      requireSignedURLs: false,
    });
    assert.equal(created.filename, 'lamp.png');
    // Types are lost where an object is split into the parts of a form.
    assert.deepEqual(created.meta, { shelf: 'B4', priority: '2', region: { name: 'eu' } });
    assert.match(created.uploaded, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(created.variants[0].endsWith(`/${created.id}/public`));
    assert.deepEqual(await images.v1.get(created.id, at), created);
    const edited = await images.v1.edit(created.id, { ...at, metadata: { n: 5, yes: true } });
    assert.deepEqual(edited.meta, { n: 5, yes: true });
    const hidden = await images.v1.edit(created.id, { ...at, requireSignedURLs: true });
    assert.notEqual(hidden.id, created.id);
    await assert.rejects(images.v1.get(created.id, at), Cloudflare.NotFoundError);
    assert.deepEqual(await images.v1.delete(hidden.id, at), {});
    await assert.rejects(images.v1.get(hidden.id, at), (error) => {
      assert.ok(error instanceof Cloudflare.NotFoundError);
      assert.deepEqual(error.errors, [{ code: 5404, message: 'Image not found' }]);
      return true;
    });
  });

  test('metadata may be text, and ids may hold anything', async () => {
    for (const id of ['this/is a%', 'ü/😀']) {
      const created = await images.v1.create({ ...at, id, file: await lamp(), metadata: '{"n":5}' });
      assert.deepEqual([created.id, created.meta], [id, { n: 5 }]);
      const shown = await fetch(created.variants[0]);
      assert.equal(shown.status, 200, created.variants[0]);
      const blob = await images.v1.blobs.get(id, at);
      assert.ok(Buffer.from(await blob.arrayBuffer()).equals(bytes));
      await images.v1.delete(id, at);
    }
  });

  test('a taken id is asked for once', async () => {
    const once = { ...at, id: 'taken', file: await lamp() };
    await images.v1.create(once);
    const before = requests.length;
    await assert.rejects(images.v1.create({ ...at, id: 'taken', file: await lamp() }), Cloudflare.ConflictError);
    assert.equal(requests.length, before + 1);
    await images.v1.delete('taken', at);
  });

  test('a refused source of a URL is an error of the request', async () => {
    const origin = createServer((_, answer) => answer.end(bytes)).listen(0, '127.0.0.1');
    await new Promise((done) => origin.once('listening', done));
    const inside = `http://127.0.0.1:${origin.address().port}/a.png`;
    await assert.rejects(images.v1.create({ ...at, url: inside }), Cloudflare.BadRequestError);
    origin.close();
  });

  test('list has its images in result.images', async () => {
    const created = await images.v1.create({ ...at, file: await lamp(), creator: 'lists' });
    const page = await images.v1.list({ ...at, creator: 'lists', page: 1, per_page: 10 });
    assert.deepEqual(page.result.images, [created]);
    await images.v1.delete(created.id, at);
  });

  test('stats', async () => {
    const { count } = await images.v1.stats.get(at);
    assert.ok(Number.isInteger(count.current) && count.allowed > count.current);
  });

  test('keys', async () => {
    const names = (answer) => answer.keys.map((key) => key.name);
    assert.deepEqual(names(await images.v1.keys.list(at)), ['default']);
    assert.deepEqual(names(await images.v1.keys.update('autumn', at)), ['default', 'autumn']);
    assert.deepEqual(names(await images.v1.keys.delete('autumn', at)), ['default']);
    await assert.rejects(images.v1.keys.delete('autumn', at), Cloudflare.NotFoundError);
  });

  test('variants', async () => {
    const options = { fit: 'cover', metadata: 'none', width: 160, height: 120 };
    const { variant } = await images.v1.variants.create({ ...at, id: 'thumb', options, neverRequireSignedURLs: true });
    assert.deepEqual(variant, { id: 'thumb', options, neverRequireSignedURLs: true });
    const { variants } = await images.v1.variants.list(at);
    assert.deepEqual(Object.keys(variants).sort(), ['public', 'thumb']);
    assert.deepEqual((await images.v1.variants.get('thumb', at)).variant, variant);
    const edited = await images.v1.variants.edit('thumb', { ...at, options: { ...options, width: 200 } });
    assert.equal(edited.variant.options.width, 200);
    assert.deepEqual(await images.v1.variants.delete('thumb', at), {});
    await assert.rejects(images.v1.variants.get('thumb', at), Cloudflare.NotFoundError);
  });
});

describe('images.v2', () => {
  const made = [];

  before(async () => {
    for (const n of [1, 2, 3]) {
      made.push(await images.v1.create({ ...at, file: await lamp(), metadata: JSON.stringify({ n, status: n < 3 ? 'active' : 'old' }) }));
    }
  });

  after(async () => {
    for (const image of made) await images.v1.delete(image.id, at);
  });

  test('list walks all pages', async () => {
    const seen = [];
    let continuation_token;
    do {
      const page = await images.v2.list({ ...at, per_page: 2, sort_order: 'asc', continuation_token });
      seen.push(...page.images.map((image) => image.id));
      continuation_token = page.continuation_token ?? undefined;
    } while (continuation_token);
    assert.deepEqual(seen, made.map((image) => image.id));
  });

  test('list filters by metadata', async () => {
    const list = async (meta) => (await images.v2.list({ ...at, sort_order: 'asc', meta })).images.map((image) => image.meta.n);
    assert.deepEqual(await list({ 'status[eq:string]': 'active' }), [1, 2]);
    assert.deepEqual(await list({ 'n[gte:number]': 2, 'status[in]': 'active|old' }), [2, 3]);
    await assert.rejects(list({ 'n[not-eq]': 2 }), (error) => {
      assert.equal(error.errors[0].message, "Unsupported metadata filter operator: 'not-eq'");
      return true;
    });
  });

  test('direct uploads, with options and without', async () => {
    const plain = await images.v2.directUploads.create(at);
    const { id, uploadURL } = await images.v2.directUploads.create({
      ...at,
      metadata: { order: 'A-17' },
      expiry: new Date(Date.now() + 600_000).toISOString(),
      requireSignedURLs: true,
    });
    assert.ok(id.endsWith('01') && plain.id.endsWith('00'));
    assert.equal((await images.v1.get(id, at)).draft, true);
    const form = new FormData();
    form.append('file', new Blob([bytes]), 'me.png');
    const answer = await fetch(uploadURL, { method: 'POST', body: form });
    assert.equal(answer.status, 200);
    const stored = await images.v1.get(id, at);
    assert.deepEqual([stored.draft, stored.filename, stored.meta], [undefined, 'me.png', { order: 'A-17' }]);
    for (const draft of [id, plain.id]) await images.v1.delete(draft, at);
  });
});

describe('endpoints without a method', () => {
  test('config, metadata keys, batch token, flat variant, direct upload v1', async () => {
    const changed = await result(client.patch(`${base}/v1/config`, { body: { flexible_variants: true } }));
    assert.deepEqual(changed, { flexible_variants: true, browser_ttl: 172_800, preserve_content_credentials: false });
    assert.deepEqual(await result(client.get(`${base}/v1/config`)), changed);
    assert.equal((await result(client.get(`${base}/v1/variants/public/flat`))).id, 'public');
    assert.equal((await result(client.get(`${base}/v2/metadata/keys`))).truncated, false);
    assert.ok((await result(client.get(`${base}/v1/batch_token`))).token);
    const { id } = await result(client.post(`${base}/v1/direct_upload`, { body: {} }));
    await images.v1.delete(id, at);
  });

  test('the token is verified, and a wrong one refused', async () => {
    assert.equal((await client.user.tokens.verify()).status, 'active');
    const stranger = new Cloudflare({ apiToken: 'wrong', baseURL: `${url}/client/v4` });
    await assert.rejects(stranger.images.v1.stats.get(at), Cloudflare.AuthenticationError);
    const pair = new Cloudflare({ apiKey: apiToken, apiEmail: 'me@example.com', baseURL: `${url}/client/v4` });
    assert.ok(await pair.images.v1.stats.get(at));
  });
});
