// One transform, which the URL names.
export default {
  async fetch(request, env) {
    const query = new URL(request.url).searchParams;
    const image = env.IMAGES.input(request.body).transform({ width: Number(query.get("width")) });
    return (await image.output({ format: query.get("format") })).response();
  },
};
