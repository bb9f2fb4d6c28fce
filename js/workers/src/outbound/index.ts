/**
 * The Worker between a user's `fetch` and the world: what has `cf.image` goes to Calotype, which fetches and transforms the image; everything else goes out as
 * it would without us.
 */
export interface OutboundEnv {
  /** Calotype's socket for `cf.image`, with `cfBlobHeader` set, so that the options go along. */
  CALOTYPE: Fetcher;
}

export default {
  async fetch(request, env) {
    const cf = request.cf as { image?: unknown } | undefined;
    if (cf?.image === undefined) return fetch(request);
    try {
      return await env.CALOTYPE.fetch(request);
    } catch {
      const text = "ERROR 9502: the image service cannot be reached; is Calotype running?";
      return new Response(text, { status: 502, headers: { "content-type": "text/plain; charset=utf-8", "cf-resized": "err=9502" } });
    }
  },
} satisfies ExportedHandler<OutboundEnv>;
