// Seeks in a `<video>`: {duration, shown: [{at, current_time, light}], answers: [{status, range, content_range}],
// plain, opened}, where `light` is the mean brightness of the picture, `plain` the duration that a `<video>` sees
// which tells no origin, and `opened` the one of the page that the URL itself is.
import { runScenario } from "./driver.mjs";

await runScenario(null, async (page, { video_url, seek_to }) => {
  const answers = [];
  page.on("response", (response) => {
    if (response.url() !== video_url) return;
    answers.push({ status: response.status(), range: response.request().headers().range ?? null, content_range: response.headers()["content-range"] ?? null });
  });
  const shown = await page.evaluate(
    async ({ video_url, seek_to }) => {
      const video = document.createElement("video");
      // Without it the page may not read the pixels.
      video.crossOrigin = "anonymous";
      video.muted = true;
      video.preload = "metadata";
      document.body.append(video);
      const event = (name) =>
        new Promise((resolve, reject) => {
          video.addEventListener(name, resolve, { once: true });
          video.addEventListener("error", () => reject(new Error(`the video failed: ${video.error?.message}`)), { once: true });
        });
      const loaded = event("loadedmetadata");
      video.src = video_url;
      await loaded;
      const shown = [];
      for (const at of seek_to) {
        const seeked = event("seeked");
        video.currentTime = at;
        await seeked;
        const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 32 });
        const context = canvas.getContext("2d");
        context.drawImage(video, 0, 0, 32, 32);
        const { data } = context.getImageData(0, 0, 32, 32);
        let sum = 0;
        for (let pixel = 0; pixel < data.length; pixel += 4) sum += (data[pixel] + data[pixel + 1] + data[pixel + 2]) / 3;
        shown.push({ at, current_time: video.currentTime, light: sum / (data.length / 4) });
      }
      return { duration: video.duration, shown };
    },
    { video_url, seek_to },
  );
  const seen = [...answers];
  const plain = await page.evaluate(async (video_url) => {
    const video = Object.assign(document.createElement("video"), { muted: true, preload: "metadata" });
    const loaded = new Promise((resolve, reject) => {
      video.addEventListener("loadedmetadata", resolve, { once: true });
      video.addEventListener("error", () => reject(new Error(`the plain video failed: ${video.error?.message}`)), { once: true });
    });
    document.body.append(video);
    video.src = video_url;
    await loaded;
    return video.duration;
  }, video_url);
  await page.goto(video_url);
  // No script runs there, so that the page is asked from outside.
  const duration = () => page.evaluate(() => document.querySelector("video")?.duration);
  let opened = await duration();
  while (!(opened > 0)) {
    await page.waitForTimeout(100);
    opened = await duration();
  }
  return { ...shown, answers: seen, plain, opened };
});
