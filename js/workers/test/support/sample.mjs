// What every tool is asked to do: one picture, one chain, and the pixels that have to come out.
import { fromLetters, letters } from "./pictures.mjs";
import { userModule } from "./workerd.mjs";

export const picture = fromLetters(["rg", "bw"]);

/** A Worker that turns the picture it is sent, and mirrors it. */
export const worker = userModule({
  async turned(images, request) {
    return (await images.input(request.body).transform({ rotate: 90 }).transform({ flip: "h" }).output({ format: "rgba" })).response();
  },
  async missing(images) {
    return images.hosted.image("nothing").details();
  },
  async update(images) {
    return images.hosted.image("nothing").update({});
  },
});

/** Turned clockwise, then mirrored. */
export const TURNED = ["rb", "gw"];
export const read = (bytes) => letters(bytes, 2);
