// TEST DOUBLE of the service's hosted half: the REST calls the adapter makes, on a Unix socket, kept in memory. It speaks as the specification of hosted images
// does; what it cannot do (look at the bytes) it does not pretend to do.
import { createHmac, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { atEnd, temporaryDirectory } from "./calotype.mjs";

const DELIVERY = "https://delivery.test/hash";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

/** Starts the double; `{ socket, requests, images }`, where `requests` are what came, as `{ method, url, headers, fields }`. */
export async function startHostedDouble(t, { account = "local", token } = {}) {
  const socket = join(temporaryDirectory(t), "hosted.sock");
  const images = new Map();
  const requests = [];
  let clock = Date.parse("2026-07-14T09:31:05.207Z");
  const server = createServer(async (request, response) => {
    const seen = { method: request.method, url: request.url, headers: request.headers };
    requests.push(seen);
    try {
      if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) throw new Refused(401, 10000, "Authentication error");
      const value = await route(request, seen);
      if (Buffer.isBuffer(value)) return void response.writeHead(200, { "content-type": "image/png", "content-length": value.length }).end(value);
      answer(response, 200, { result: value, success: true, errors: [] });
    } catch (error) {
      if (!(error instanceof Refused)) console.error(error);
      // Closing on unread input would reset the connection and take the answer along.
      request.resume();
      answer(response, error.status ?? 500, {
        result: null,
        success: false,
        errors: [{ code: error.code ?? 5500, message: error.message }],
      });
    }
  });
  await new Promise((resolve) => server.listen(socket, resolve));
  atEnd(t, () => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))));
  return { socket, requests, images };

  async function route(request, seen) {
    const url = new URL(request.url, "http://double");
    if (url.pathname === "/binding/signed-url") return signedUrl(JSON.parse((await read(request)).toString()));
    const below = `/client/v4/accounts/${encodeURIComponent(account)}/images/`;
    if (!url.pathname.startsWith(below)) throw new Refused(404, 7000, "No route for that URI");
    const rest = url.pathname.slice(below.length);
    if (rest === "v1" && request.method === "POST") return upload(await form(request, seen));
    if (rest === "v2" && request.method === "GET") return list(url.searchParams);
    if (rest === "v2/direct_upload" && request.method === "POST") return directUpload(await form(request, seen));
    const [, id, blob] = /^v1\/([^/]+)(\/blob)?$/.exec(rest) ?? [];
    if (id === undefined) throw new Refused(404, 7000, "No route for that URI");
    const image = images.get(decodeURIComponent(id));
    if (!image || (blob && image.record.draft)) throw new Refused(404, 5404, "Image not found");
    if (blob) return image.bytes;
    if (request.method === "GET") return image.record;
    if (request.method === "DELETE") return images.delete(image.record.id), {};
    return update(image, JSON.parse((await read(request)).toString()));
  }

  function upload({ fields, files }) {
    if (!files.file) throw new Refused(400, 5400, "no file");
    const custom = fields.id;
    if (custom !== undefined && UUID.test(custom)) throw new Refused(400, 5400, "Custom IDs must not look like a UUID");
    if (custom !== undefined && fields.requireSignedURLs === "true") throw new Refused(400, 5400, "Custom IDs cannot be used with requireSignedURLs");
    if (images.has(custom)) throw new Refused(409, 5409, "Resource already exists");
    const id = custom ?? randomUUID();
    const record = {
      id,
      filename: files.file.filename,
      uploaded: new Date((clock += 1000)).toISOString(),
      requireSignedURLs: fields.requireSignedURLs === "true",
      variants: [`${DELIVERY}/${encodeURIComponent(id)}/public`],
      ...(fields.metadata === undefined ? {} : { meta: JSON.parse(fields.metadata) }),
      ...(fields.creator === undefined ? {} : { creator: fields.creator }),
    };
    images.set(id, { record, bytes: files.file.bytes });
    return record;
  }

  function update({ record }, { metadata, requireSignedURLs, creator }) {
    if (metadata !== undefined) record.meta = metadata;
    if (requireSignedURLs !== undefined) record.requireSignedURLs = requireSignedURLs;
    if (creator !== undefined) record.creator = creator;
    return record;
  }

  function list(query) {
    const limit = Number(query.get("per_page") ?? 1000);
    const direction = query.get("sort_order") === "asc" ? 1 : -1;
    const conditions = [...query].flatMap(([name, value]) => {
      const [, field, operator, type] = /^meta\.([\w.]+)\[(\w+):(\w+)\]$/.exec(name) ?? [];
      return field === undefined ? [] : [{ field, operator, type, value }];
    });
    const kept = [...images.values()]
      .map((image) => image.record)
      .filter((record) => !record.draft && (!query.get("creator") || record.creator === query.get("creator")))
      .filter((record) => conditions.every((condition) => holds(record.meta, condition)))
      .sort((a, b) => direction * (a.uploaded < b.uploaded ? -1 : 1));
    const start = query.has("continuation_token") ? kept.findIndex((record) => record.id === query.get("continuation_token")) + 1 : 0;
    const page = kept.slice(start, start + limit);
    return { images: page, continuation_token: start + limit < kept.length ? page.at(-1).id : null };
  }

  function directUpload({ fields }) {
    const expiry = Date.parse(fields.expiry);
    const seconds = (expiry - Date.now()) / 1000;
    if (!(seconds >= 115 && seconds <= 21605)) throw new Refused(400, 5400, "expiry is not within 2 minutes and 6 hours");
    const id = fields.id ?? randomUUID();
    if (fields.id !== undefined && fields.requireSignedURLs === "true") throw new Refused(400, 5400, "Custom IDs cannot be used with requireSignedURLs");
    images.set(id, { record: { id, uploaded: new Date(clock).toISOString(), requireSignedURLs: false, variants: [], draft: true } });
    return { id, uploadURL: `https://upload.test/hash/${encodeURIComponent(id)}` };
  }

  function signedUrl({ account: asked, id, variant, expiresIn, keyName }) {
    if (asked !== account) throw new Refused(403, 5403, "The given account is not valid or is not authorized to access this service");
    if (!images.has(id)) throw new Refused(404, 5404, "Image not found");
    if (variant !== "public") throw new Refused(404, 5401, "Variant name not found");
    if (keyName !== "default") throw new Refused(404, 5404, "Signing key not found");
    const path = `/hash/${encodeURIComponent(id)}/${variant}${expiresIn === undefined ? "" : `?exp=${Math.floor(Date.now() / 1000) + expiresIn}`}`;
    const sig = createHmac("sha256", "this is a secret").update(path).digest("hex");
    return { url: `https://delivery.test${path}${expiresIn === undefined ? "?" : "&"}sig=${sig}` };
  }
}

function holds(meta, { field, operator, type, value }) {
  const actual = field.split(".").reduce((at, key) => at?.[key], meta);
  if (typeof actual !== type) return false;
  const values = operator === "in" ? value.split("|") : [value];
  if (operator === "eq" || operator === "in") return values.includes(String(actual));
  const wanted = Number(value);
  return { gt: actual > wanted, gte: actual >= wanted, lt: actual < wanted, lte: actual <= wanted }[operator] ?? false;
}

async function read(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A form, read by Node's own parser; without its closing delimiter it is refused. */
async function form(request, seen) {
  const body = await read(request);
  const fields = {};
  const files = {};
  let entries;
  try {
    entries = [...(await new Response(body, { headers: { "content-type": request.headers["content-type"] } }).formData())];
  } catch {
    throw new Refused(400, 5450, "Error while receiving upload");
  }
  for (const [name, value] of entries) {
    if (typeof value === "string") fields[name] = value;
    else files[name] = { filename: value.name, bytes: Buffer.from(await value.arrayBuffer()) };
  }
  seen.fields = fields;
  if (files.file?.bytes.toString().startsWith("TOO LARGE")) throw new Refused(413, 5413, "Maximum image size of 10 MB reached");
  return { fields, files };
}

function answer(response, status, value) {
  const text = JSON.stringify({ result_info: null, messages: [], ...value });
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text);
}
