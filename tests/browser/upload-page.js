// The page of the upload test: Uppy with the callbacks of the TypeScript client, and a file field.
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";

import { ReelClient } from "../../clients/typescript/src/index.ts";
import { reelUploads } from "../../clients/typescript/src/uppy.ts";

/** Uploads the file in the field. Returns the body of Uppy's `upload-success`. */
window.startUpload = async ({ api, api_key, part_size }) => {
  const uppy = new Uppy();
  window.uppy = uppy;
  const client = new ReelClient({ baseUrl: api, token: () => api_key });
  uppy.use(AwsS3, reelUploads({ client, uppy, partSize: part_size }));
  const [file] = document.querySelector("input").files;
  uppy.addFile({ name: file.name, type: file.type, data: file });
  const { successful, failed } = await uppy.upload();
  if (failed.length > 0) throw new Error(`the upload failed: ${failed[0].error}`);
  return successful[0].response.body;
};

document.body.append(Object.assign(document.createElement("input"), { type: "file" }));
