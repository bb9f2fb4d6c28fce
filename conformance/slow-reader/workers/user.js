import base from "base.jpg";
import overlay from "overlay.png";

const stream = (bytes) => new Blob([bytes]).stream();

export default {
  async fetch(request, env) {
    try {
      if (new URL(request.url).pathname === "/composed.jpg") {
        const badge = env.IMAGES.input(stream(overlay)).transform({ width: 120, rotate: 90 });
        const result = await env.IMAGES.input(stream(base))
          .transform({ width: 900 })
          .draw(badge, { bottom: 10, right: 10, opacity: 0.8 })
          .draw(env.IMAGES.input(stream(overlay)).transform({ width: 60 }), { repeat: "x", top: 0 })
          .output({ format: "image/jpeg", quality: 85 });
        return result.response();
      }
      return (await env.IMAGES.input(request.body).output({ format: "rgba" })).response();
    } catch (error) {
      return new Response(`${error.code} ${error.message}`, { status: 500 });
    }
  },
};
