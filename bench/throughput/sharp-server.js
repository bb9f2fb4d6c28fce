// The other side: sharp behind the smallest HTTP server one would write. It reads the file for every request, as Calotype does, and keeps nothing.
// Everything about threads, caches and encoders is as sharp and Node come, except the options that the job names.
//
//   node sharp-server.js FOLDER [WEBP_EFFORT]      prints "listening on http://…"
import fs from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import sharp from 'sharp';

const folder = process.argv[2];
const effort = process.argv[3] ? { effort: Number(process.argv[3]) } : {};

const FITS = {
  'scale-down': { fit: 'inside', withoutEnlargement: true },
  cover: { fit: 'cover' },
  pad: { fit: 'contain', background: 'white' },
};

async function transform(url) {
  const asked = url.searchParams;
  const source = await fs.readFile(path.join(folder, path.basename(url.pathname)));
  const quality = Number(asked.get('q'));
  const resized = sharp(source).rotate().resize(Number(asked.get('w')), Number(asked.get('h')), FITS[asked.get('fit')]);
  const settings = { jpeg: { quality, progressive: true }, webp: { quality, ...effort }, avif: { quality }, png: {} }[asked.get('f')];
  return resized[asked.get('f')](settings).toBuffer();
}

const server = http.createServer(async (request, response) => {
  try {
    const url = new URL(request.url, 'http://localhost');
    if (url.pathname === '/settings') {
      const settings = { versions: sharp.versions, concurrency: sharp.concurrency(), cache: sharp.cache(), simd: sharp.simd(), webp: effort };
      response.end(JSON.stringify(settings));
      return;
    }
    const body = await transform(url);
    response.writeHead(200, { 'content-type': `image/${url.searchParams.get('f')}`, 'content-length': body.length });
    response.end(body);
  } catch (error) {
    response.writeHead(500);
    response.end(String(error));
  }
});
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
