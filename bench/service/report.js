// From the result to a page.

export function markdown(result) {
  const { settings, machine, versions, rows, pictures } = result;
  const formats = [...new Set(rows.map((row) => row.format))];
  const areas = Object.values(result.photographs)[0].map(({ width, height }) => (width * height) / 1e6);
  const lines = formats.flatMap((format) => rows.filter((row) => row.format === format).map((row, index) => {
    const name = index ? '' : `${format.toUpperCase()}${settings.quality[format] ? `, quality ${settings.quality[format]}` : ''}`;
    if (row.unable) return `| ${name} | ${row.side} | – | | | | | | | ${row.unable} |`;
    const of = pictures.filter((picture) => picture.format === format && picture.side === row.side && picture.gamma);
    const score = (measure, digits) => ['gamma', 'linear'].map((light) => mean(of.map((picture) => picture[light][measure])).toFixed(digits)).join(' / ');
    return `| ${name} | ${row.side} | ${row.perSecond.toFixed(1)} | ${row.p50Ms.toFixed(0)} | ${row.p95Ms.toFixed(0)} | ${((row.cpuSeconds * 1000) / row.requests).toFixed(1)} | ${(row.peakResidentBytes / 1e6).toFixed(0)} | ${(mean(of.map((picture) => picture.bytes)) / 1000).toFixed(1)} | ${score('ssimulacra2', 1)} | ${score('butteraugli_3norm', 2)}${row.errors ? `; ${row.errors} errors` : ''} |`;
  }));
  const { sharp } = versions;
  return `# Service: Calotype, sharp and oximg

${settings.photographs} photographs of ${Math.min(...areas).toFixed(0)} to ${Math.max(...areas).toFixed(0)} megapixels, fit into ${settings.box}x${settings.box}, out in the format they came in; ${settings.connections} connections, ${settings.seconds} seconds per server and format, no URL twice.
How it is measured: [METHODOLOGY.md](../METHODOLOGY.md). Every figure: [service.json](service.json). Repeat it with \`make bench-service\`.

| source | server | requests/s | p50, ms | p95, ms | CPU per request, ms | peak memory, MB | kB per picture | SSIMULACRA2, gamma / linear | Butteraugli 3-norm |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|
${lines.join('\n')}

Bytes and scores are means over the same ${settings.sample} of the photographs, fetched after the clock had stopped.

## Where and with what

- ${machine.cpu}, ${machine.cores} cores, ${machine.memory_gib} GiB, ${machine.kernel}; ${result.date.slice(0, 16).replace('T', ' ')} UTC; load average before each run: ${rows.filter((row) => !row.unable).map((row) => row.loadBefore.toFixed(1)).join(', ')}
- ${versions.calotype} (${versions.commit}), release build, on its defaults
- sharp ${sharp.sharp} with libvips ${sharp.vips}, mozjpeg ${sharp.mozjpeg}, libwebp ${sharp.webp}, libaom ${sharp.aom}, Node ${versions.node}; on its defaults, JPEG progressive: [sharp-server.js](../throughput/sharp-server.js)
- oximg ${versions.oximg}, on its defaults
- judged by ${versions.judge}
`;
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
