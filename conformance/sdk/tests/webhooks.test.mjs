// Webhooks, policies and event subscriptions by the official SDK, and a real receiver. The server is one of our own: it has to be allowed to post to
// this machine, and to end and start again.
import assert from 'node:assert/strict';
import { spawn, execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Cloudflare, { toFile } from 'cloudflare';
import { png } from './picture.mjs';

const binary = process.env.CALOTYPE_BINARY ?? fileURLToPath(new URL('../../../target/debug/calotype', import.meta.url));
const bytes = png(40, 30);

// Who is posted to: keeps what it was sent, and hands it out one by one.
class Receiver {
  received = [];
  waiting = [];

  async start() {
    this.server = createServer(async (request, answer) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const one = { headers: request.headers, body: JSON.parse(Buffer.concat(chunks)) };
      const next = this.waiting.shift();
      if (next) next(one);
      else this.received.push(one);
      answer.end('a body that nobody reads');
    });
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.url = `http://127.0.0.1:${this.server.address().port}/in`;
  }

  next() {
    const one = this.received.shift();
    return one ? Promise.resolve(one) : new Promise((resolve) => this.waiting.push(resolve));
  }
}

class Server {
  async start(data) {
    this.child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--data', data, '--allow-private', '--set', 'log=warn'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    while (!/listening on http:\S+[^]*\n\n|listening on http:\S+[^]*hosted .*\n/.test(out)) {
      const [chunk] = await once(this.child.stdout, 'data');
      out += chunk;
    }
    this.url = out.match(/listening on (http:\S+)/)[1];
    this.token = out.match(/ctk_[\w-]+/)?.[0];
    this.account = out.match(/accounts\/([0-9a-f]{32})/)?.[1];
  }

  async end(signal) {
    this.child.kill(signal);
    await once(this.child, 'exit');
  }
}

describe('webhooks', () => {
  const receiver = new Receiver();
  const server = new Server();
  let data, client, at, apiToken;

  before(async () => {
    data = await mkdtemp(join(tmpdir(), 'calotype-webhooks-'));
    await receiver.start();
    await server.start(data);
    apiToken = server.token;
    at = { account_id: server.account };
    client = new Cloudflare({ apiToken, baseURL: `${server.url}/client/v4` });
  });

  after(async () => {
    await server.end('SIGTERM');
    receiver.server.close();
    receiver.server.closeAllConnections();
    await rm(data, { recursive: true });
  });

  const listed = async (pages) => {
    const all = [];
    for await (const one of pages) all.push(one);
    return all;
  };
  let webhook, policy, subscription;

  test('a destination is made, tried, read and changed', async () => {
    const { webhooks } = client.alerting.destinations;
    ({ id: webhook } = await webhooks.create({ ...at, name: 'shop', url: receiver.url, secret: 's3cret' }));
    const tried = await receiver.next();
    assert.equal(tried.headers['cf-webhook-auth'], 's3cret');
    const told = await webhooks.get(webhook, at);
    assert.deepEqual([told.name, told.url, told.type, 'secret' in told], ['shop', receiver.url, 'generic', false]);
    assert.deepEqual(await listed(webhooks.list(at)), [told]);
    assert.deepEqual(await webhooks.update(webhook, { ...at, name: 'shop 2', url: receiver.url }), { id: webhook });
    assert.equal((await receiver.next()).headers['cf-webhook-auth'], 's3cret');
    await assert.rejects(webhooks.get('0'.repeat(32), at), Cloudflare.NotFoundError);
    await assert.rejects(webhooks.create({ ...at, name: 'n', url: 'http://127.0.0.1:1/' }), (error) => {
      assert.ok(error instanceof Cloudflare.BadRequestError);
      assert.match(error.errors[0].message, /Webhook test failed/);
      return true;
    });
  });

  test('a policy is made, read and changed', async () => {
    const { policies, availableAlerts } = client.alerting;
    const { Images } = await availableAlerts.list(at);
    const alert_type = Images[0].type;
    const mechanisms = { webhooks: [{ id: webhook }] };
    ({ id: policy } = await policies.create({ ...at, name: 'uploads', alert_type, enabled: false, mechanisms }));
    assert.deepEqual(await policies.update(policy, { ...at, enabled: true, description: 'd' }), { id: policy });
    const told = await policies.get(policy, at);
    assert.deepEqual([told.enabled, told.description, told.mechanisms], [true, 'd', mechanisms]);
    assert.deepEqual(await listed(policies.list(at)), [told]);
  });

  test('a direct upload is told, when it succeeds and when it fails', async () => {
    const { id, uploadURL } = await client.images.v2.directUploads.create({ ...at, metadata: { order: 'A-17' } });
    const send = async (file) => {
      const form = new FormData();
      form.append('file', new Blob([file]), 'me.png');
      return (await fetch(uploadURL, { method: 'POST', body: form })).status;
    };
    assert.equal(await send('no image'), 415);
    const failed = await receiver.next();
    assert.deepEqual([failed.body.data.status, failed.body.data.image_id, failed.body.data.error.code], ['error', id, 5455]);
    assert.equal(await send(bytes), 200);
    const { headers, body } = await receiver.next();
    assert.deepEqual(
      [headers['cf-webhook-auth'], body.alert_type, body.policy_id, body.data.status, body.data.metadata],
      ['s3cret', 'image_notification', policy, 'success', { order: 'A-17' }],
    );
    assert.ok(Math.abs(body.ts * 1000 - Date.now()) < 60_000);
  });

  test('a subscription is made, read, changed and told', async () => {
    const { subscriptions } = client.queues;
    const destination = { type: 'webhook', webhook_id: webhook };
    const made = await subscriptions.create({ ...at, name: 'index', source: { type: 'images' }, events: ['image.uploaded'], destination });
    subscription = made.id;
    assert.deepEqual([made.enabled, made.events, made.destination], [true, ['image.uploaded'], destination]);
    assert.deepEqual(await listed(subscriptions.list({ ...at, per_page: 1 })), [made]);
    const events = ['image.uploaded', 'image.deleted'];
    assert.deepEqual((await subscriptions.update(subscription, { ...at, events })).events, events);
    assert.deepEqual((await subscriptions.get(subscription, at)).events, events);
    const created = await client.images.v1.create({ ...at, file: await toFile(bytes, 'lamp.png'), creator: 'c' });
    const { body } = await receiver.next();
    const { variants, ...payload } = created;
    assert.deepEqual(body.payload, payload);
    assert.deepEqual([body.type, body.metadata.eventSubscriptionId], ['cf.images.image.uploaded', subscription]);
    await client.images.v1.delete(created.id, at);
    assert.equal((await receiver.next()).body.type, 'cf.images.image.deleted');
  });

  test('what was sent is in the history', async () => {
    const four = async () => (await listed(client.alerting.history.list({ ...at, per_page: 3 }))).length >= 4;
    // The receiver has it a moment before the server knows so.
    while (!(await four()));
    const [newest] = await listed(client.alerting.history.list(at));
    assert.deepEqual([newest.mechanism, newest.mechanism_type, newest.status], [webhook, 'webhook', 'delivered']);
    assert.equal(JSON.parse(newest.alert_body).type, 'cf.images.image.deleted');
  });

  test('a message outlives the process that wrote it', async () => {
    await server.end('SIGKILL');
    const file = join(data, 'lamp.png');
    await writeFile(file, bytes);
    const { stdout } = await promisify(execFile)(binary, ['image', 'upload', file, '--data', data]);
    assert.deepEqual(receiver.received, []);
    await server.start(data);
    client = new Cloudflare({ apiToken, baseURL: `${server.url}/client/v4` });
    const { body } = await receiver.next();
    assert.deepEqual([body.type, body.payload.id], ['cf.images.image.uploaded', stdout.trim()]);
  });

  test('the command makes, tries and deletes webhooks beside the server', async () => {
    const run = async (...words) => {
      const env = { ...process.env, CALOTYPE_WEBHOOK_SECRET: 'of the command' };
      const { stdout } = await promisify(execFile)(binary, ['webhook', ...words, '--data', data], { env: { ...env, CALOTYPE_ALLOW_PRIVATE: 'true' } });
      return stdout.trim();
    };
    const id = await run('create', 'by command', receiver.url, '--uploads', '--event', 'image.updated');
    assert.equal((await receiver.next()).headers['cf-webhook-auth'], 'of the command');
    assert.equal(await run('test', id), 'HTTP 200');
    await receiver.next();
    assert.match(await run('list'), new RegExp(`^${id}  -  -  by command  ${receiver.url}$`, 'm'));
    const made = await listed(client.queues.subscriptions.list(at));
    assert.deepEqual(made.filter((one) => one.destination.webhook_id === id).map((one) => one.events), [['image.updated']]);
    await run('delete', id);
    await assert.rejects(client.alerting.destinations.webhooks.get(id, at), Cloudflare.NotFoundError);
  });

  test('everything is deleted', async () => {
    assert.equal((await client.queues.subscriptions.delete(subscription, at)).id, subscription);
    assert.equal((await client.alerting.policies.delete(policy, at)).success, true);
    assert.equal((await client.alerting.destinations.webhooks.delete(webhook, at)).success, true);
    assert.deepEqual(await listed(client.alerting.destinations.webhooks.list(at)), []);
    await assert.rejects(client.queues.subscriptions.get(subscription, at), Cloudflare.NotFoundError);
  });
});
