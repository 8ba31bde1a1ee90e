// @ts-check
/**
 * Uploads for Uppy: the callbacks of `@uppy/aws-s3` (version 5) against this API's multipart uploads.
 *
 *     import AwsS3 from '@uppy/aws-s3'
 *     import { reelUploads } from './uppy-reel.js'
 *
 *     uppy.use(AwsS3, reelUploads({ uppy, api: 'https://exports.example.com' }))
 *     uppy.on('upload-success', (file, { body }) => createJob(body.key))
 *
 * What is better than with the plugin alone:
 * - An upload goes on after a reload, a crash or a failure, once the same file is added again: its key and
 *   id are kept in localStorage under the file's name, size and date, and the server knows its parts.
 *   Nothing that has arrived is sent twice. Only removing the file from Uppy, or cancelling, deletes it.
 * - URLs are signed in one request for all parts that ask at the same time, shortly before use, and signed
 *   anew when they have expired meanwhile: a phone may sleep for hours.
 * - Requests to the API are tried again for a minute, and wait while the browser is offline.
 * - What permits to use an upload, its id with its key, is sent in headers and is in no URL, so in no log.
 *
 * Invariant: no step relies on this page living on. What is not confirmed is sent again, at worst.
 * @module
 */

/**
 * @typedef {object} Options
 * @property {{ getFile(id: string): unknown }} uppy  the instance that the plugin is used with
 * @property {string} [api]  origin of the API; this page's own when left out
 * @property {() => Record<string, string> | Promise<Record<string, string>>} [headers]  for each request to
 *   the API, such as `{ authorization: 'Bearer ...' }`; those that start an upload need it, and so do all of an
 *   upload that belongs to a user
 * @property {number} [partSize]  bytes of a part: a multiple of 1 MiB, at least 5 MiB; 16 MiB when left out
 * @property {Storage} [storage]  where uploads are remembered; localStorage when left out
 *
 * @typedef {object} UploadFile  what is read of Uppy's file
 * @property {string} id
 * @property {string} name
 * @property {string} [type]
 * @property {number | null} [size]
 * @property {Blob & { lastModified?: number }} data
 *
 * @typedef {{ key: string, uploadId: string }} Ids
 * @typedef {{ url: string, expiresAt: number }} Signed
 * @typedef {{ method: 'PUT', url: string, headers?: Record<string, string>, reel?: { upload: Upload, partNumber: number, etag?: string } }} Signature
 */

const MIB = 1024 * 1024
const PART_BYTES = 16 * MIB
/** S3 takes no more. */
const PARTS_MAX = 10_000
/** Of one request to the API. */
const SIGN_MAX = 100
const CONFIRM_MAX = 1_000
/** A URL is not used in the last minutes of its life: the part must begin to be sent before its end. */
const URL_SPARE_MS = 5 * 60_000
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000]
const REMEMBERED = 'reel-upload:'

/**
 * Options for `uppy.use(AwsS3, ...)`.
 * @param {Options} options
 * @returns {import('@uppy/aws-s3').AwsS3Options<any, any>}
 */
export function reelUploads({ uppy, api = '', headers = () => ({}), partSize = PART_BYTES, storage }) {
  const memory = new Memory(storage)
  /** @type {Map<string, Upload>} by upload id */
  const uploads = new Map()
  /** @param {Ids} ids */
  const known = ({ key, uploadId }) => {
    const upload = uploads.get(uploadId) ?? new Upload({ api, headers, key, uploadId })
    uploads.set(uploadId, upload)
    return upload
  }
  /** @param {{ size: number }} file */
  const getChunkSize = ({ size }) => Math.max(partSize, Math.ceil(size / PARTS_MAX / MIB) * MIB)
  /** @param {UploadFile} file */
  const forget = (file) => memory.remove(fingerprint(file))

  const callbacks = {
    getChunkSize,

    /** Smaller files are sent at once: they are quicker sent again than resumed. @param {UploadFile} file */
    shouldUseMultipart: (file) => file.data.size > getChunkSize(file.data),

    /** One PUT, for small files. @param {UploadFile} file @param {{ signal?: AbortSignal }} [options] */
    async getUploadParameters(file, { signal } = {}) {
      const body = { filename: file.name, content_type: file.type ?? '', size_bytes: file.data.size }
      const target = await call(`${api}/api/videos/upload-url`, { method: 'POST', headers: await headers(), body, signal })
      // A PUT has no fields, but from here Uppy takes the key that it tells after the upload.
      return { method: target.method, url: target.upload_url, headers: target.headers, fields: { key: target.video_key } }
    },

    /** A new upload, or the one that this very file was in. @param {UploadFile} file @param {AbortSignal} [signal] @returns {Promise<Ids>} */
    async createMultipartUpload(file, signal) {
      const kept = memory.read(fingerprint(file))
      const partBytes = getChunkSize(file.data)
      if (kept && kept.partSize === partBytes) {
        const upload = known(kept)
        try {
          await upload.recall(signal)
          return { key: kept.key, uploadId: kept.uploadId }
        } catch (error) {
          // It is gone, and a new one takes its place. Anything else may pass.
          if (!(error instanceof Refused)) throw error
          uploads.delete(kept.uploadId)
        }
      }
      const body = { filename: file.name, content_type: file.type ?? '', size_bytes: file.data.size, part_size: partBytes }
      const made = await call(`${api}/api/videos/multipart`, { method: 'POST', headers: await headers(), body, signal })
      const ids = { key: made.video_key, uploadId: made.upload_id }
      memory.write(fingerprint(file), { ...ids, partSize: partBytes })
      known(ids).partCount = made.part_count
      return ids
    },

    /** @param {UploadFile} _file @param {Ids & { partNumber: number, signal?: AbortSignal }} part @returns {Promise<Signature>} */
    async signPart(_file, { key, uploadId, partNumber, signal }) {
      const upload = known({ key, uploadId })
      const etag = upload.arrived.get(partNumber)
      const url = etag ? '' : await upload.sign(partNumber)
      signal?.throwIfAborted()
      return { method: 'PUT', url, reel: { upload, partNumber, etag } }
    },

    /**
     * Sends a part, or a small file, and notes that it has arrived.
     * @param {{ signature: Signature, body: Blob, onProgress?: (event: object) => void, onComplete?: (etag: string) => void, signal?: AbortSignal }} part
     */
    async uploadPartBytes({ signature, body, onProgress, onComplete, signal }) {
      const { url, headers, reel } = signature
      let etag = reel?.etag
      if (!etag) {
        try {
          etag = await put({ url, headers, body, onProgress, signal })
        } catch (error) {
          // Whatever is wrong with it, this URL is not used again.
          reel?.upload.urls.delete(reel.partNumber)
          throw error
        }
        reel?.upload.confirm(reel.partNumber, etag)
      }
      onProgress?.({ loaded: body.size, lengthComputable: true })
      onComplete?.(etag)
      return { ETag: etag }
    },

    /** @param {UploadFile} _file @param {Ids & { signal?: AbortSignal }} upload */
    async listParts(_file, { key, uploadId, signal }) {
      const upload = known({ key, uploadId })
      await upload.recall(signal)
      // With what the server has not been told of yet: Uppy no longer holds the data of those parts.
      return [...upload.arrived].map(([PartNumber, ETag]) => ({ PartNumber, ETag }))
    },

    /** @param {UploadFile} file @param {Ids & { parts: { PartNumber?: number, ETag?: string }[], signal?: AbortSignal }} upload */
    async completeMultipartUpload(file, { key, uploadId, parts, signal }) {
      const body = { parts: parts.map(({ PartNumber, ETag }) => ({ part_number: PartNumber, etag: ETag })) }
      const done = await known({ key, uploadId }).ask('/complete', { method: 'POST', body, signal })
      uploads.delete(uploadId)
      forget(file)
      return { ...done, key: done.video_key }
    },

    /**
     * Uppy calls this for two reasons. A file that was removed is aborted; one whose upload has failed is
     * kept, so that a retry goes on where it stopped.
     * @param {UploadFile} file @param {Ids} upload
     */
    async abortMultipartUpload(file, { key, uploadId }) {
      if (uppy.getFile(file.id)) return
      forget(file)
      const upload = known({ key, uploadId })
      uploads.delete(uploadId)
      try {
        await upload.ask('', { method: 'DELETE' })
      } catch (error) {
        // Complete, or gone: there is nothing left to abort.
        if (!(error instanceof Refused)) throw error
      }
    },
  }
  // The plugin's own types do not know that a signature carries more back to us than a URL.
  return /** @type {any} */ (callbacks)
}

/** One upload on the server, as far as this page knows it. */
class Upload {
  /** @type {Map<number, string>} etags of parts that need not be sent */
  arrived = new Map()
  /** @type {Map<number, Signed>} URLs that were signed ahead */
  urls = new Map()
  partCount = PARTS_MAX
  /** @type {Map<number, Waiting>} parts that ask in this tick */
  #asking = new Map()
  /** @type {Map<number, string>} parts that the server has not been told of */
  #untold = new Map()
  #telling = false

  #path
  #headers
  #capability

  /** @param {Ids & { api: string, headers: NonNullable<Options['headers']> }} upload */
  constructor({ api, headers, key, uploadId }) {
    // `-` in the place of the id: it is in a header.
    this.#path = `${api}/api/videos/multipart/-`
    this.#headers = headers
    this.#capability = { 'upload-token': uploadId, 'video-key': encodeURIComponent(key) }
  }

  /** @param {string} verb @param {Request_} request */
  async ask(verb, request) {
    return call(`${this.#path}${verb}`, { ...request, headers: { ...(await this.#headers()), ...this.#capability } })
  }

  /** Learns from the server what has arrived. @param {AbortSignal} [signal] */
  async recall(signal) {
    const { parts, part_count } = await this.ask('/parts', { signal })
    this.partCount = part_count
    for (const { part_number, etag } of parts) this.arrived.set(part_number, etag)
  }

  /** A URL for this part: of a batch with all that ask in the same tick. @param {number} partNumber @returns {Promise<string>} */
  sign(partNumber) {
    const signed = this.urls.get(partNumber)
    if (signed && signed.expiresAt - Date.now() > URL_SPARE_MS) return Promise.resolve(signed.url)
    let waiting = this.#asking.get(partNumber)
    if (!waiting) {
      waiting = later()
      this.#asking.set(partNumber, waiting)
      if (this.#asking.size === 1) setTimeout(() => void this.#signAll())
    }
    return waiting.promise
  }

  async #signAll() {
    const asking = [...this.#asking]
    this.#asking.clear()
    for (let from = 0; from < asking.length; from += SIGN_MAX) {
      const batch = asking.slice(from, from + SIGN_MAX)
      try {
        const answer = await this.ask('/parts', { method: 'POST', body: { part_numbers: this.#withNext(batch.map(([number]) => number)) } })
        const expiresAt = Date.parse(answer.expires_at)
        for (const { part_number, url } of answer.parts) this.urls.set(part_number, { url, expiresAt })
        for (const [number, { resolve, reject }] of batch) {
          const signed = this.urls.get(number)
          if (signed) resolve(signed.url)
          else reject(new Error(`The API gave no URL for part ${number}.`))
        }
      } catch (error) {
        for (const [, { reject }] of batch) reject(error)
      }
    }
  }

  /** The parts and as many that follow: the next ones to ask, most likely. @param {number[]} numbers */
  #withNext(numbers) {
    const all = new Set(numbers)
    const wanted = Math.min(SIGN_MAX, numbers.length * 2)
    for (let next = Math.max(...numbers) + 1; all.size < wanted && next <= this.partCount; next++) {
      if (!this.arrived.has(next)) all.add(next)
    }
    return [...all]
  }

  /** Tells the server of a part, together with those that arrive while it is being told. @param {number} partNumber @param {string} etag */
  confirm(partNumber, etag) {
    this.urls.delete(partNumber)
    this.arrived.set(partNumber, etag)
    this.#untold.set(partNumber, etag)
    if (!this.#telling) void this.#tell()
  }

  async #tell() {
    this.#telling = true
    while (this.#untold.size > 0) {
      const batch = [...this.#untold].slice(0, CONFIRM_MAX)
      try {
        await this.ask('/parts', { method: 'PUT', body: { parts: batch.map(([part_number, etag]) => ({ part_number, etag })) } })
      } catch {
        // They go with the next part, or with the completion, which names them all.
        break
      }
      for (const [number, etag] of batch) if (this.#untold.get(number) === etag) this.#untold.delete(number)
    }
    this.#telling = false
  }
}

/** What is remembered of uploads between pages. Without a storage, or with a full one: nothing. */
class Memory {
  #storage

  /** @param {Storage} [storage] */
  constructor(storage) {
    try {
      // Reading the property alone throws where a browser forbids it.
      this.#storage = storage ?? globalThis.localStorage
    } catch {}
  }

  /** @param {string} name @returns {(Ids & { partSize: number }) | null} */
  read(name) {
    try {
      const kept = JSON.parse(this.#storage?.getItem(name) ?? 'null')
      return typeof kept?.key === 'string' && typeof kept.uploadId === 'string' ? kept : null
    } catch {
      return null
    }
  }

  /** @param {string} name @param {Ids & { partSize: number }} kept */
  write(name, kept) {
    try {
      this.#storage?.setItem(name, JSON.stringify(kept))
    } catch {}
  }

  /** @param {string} name */
  remove(name) {
    try {
      this.#storage?.removeItem(name)
    } catch {}
  }
}

/** The API's own no: asking again would not help. */
export class Refused extends Error {
  /** @param {number} status @param {{ detail?: string, code?: string }} problem */
  constructor(status, problem) {
    super(problem.detail ?? `The API answered ${status}.`)
    this.name = 'Refused'
    this.status = status
    this.code = problem.code
  }
}

/**
 * @typedef {{ method?: string, headers?: Record<string, string>, body?: object, signal?: AbortSignal }} Request_
 * @typedef {{ promise: Promise<string>, resolve: (url: string) => void, reject: (error: unknown) => void }} Waiting
 */

/** Asks the API until it answers. @param {string} url @param {Request_} request @returns {Promise<any>} */
async function call(url, { method = 'GET', headers = {}, body, signal }) {
  /** @type {RequestInit} */
  const init = { method, headers: body ? { ...headers, 'content-type': 'application/json' } : headers, body: body && JSON.stringify(body), signal }
  for (let tries = 0; ; tries++) {
    let pause = RETRY_MS[tries]
    try {
      const answer = await fetch(url, init)
      const json = await answer.json().catch(() => ({}))
      if (answer.ok) return json
      if (answer.status !== 429 && answer.status < 500) throw new Refused(answer.status, json)
      if (pause === undefined) throw new Error(json.detail ?? `The API answered ${answer.status}.`)
      pause = Math.max(pause, 1000 * Number(answer.headers.get('retry-after') ?? 0))
    } catch (error) {
      // A fetch that fails to reach anything is a TypeError.
      if (!(error instanceof TypeError) || pause === undefined) throw error
    }
    await untilOnline(pause, signal)
  }
}

/** PUTs bytes and gives their ETag. XMLHttpRequest, since fetch does not tell how much has been sent. @param {{ url: string, headers?: Record<string, string>, body: Blob, onProgress?: (event: object) => void, signal?: AbortSignal }} request @returns {Promise<string>} */
function put({ url, headers = {}, body, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    /** Uppy decides by `source.status` whether it tries again. @param {string} sentence @param {unknown} [source] */
    const fail = (sentence, source = request) => reject(Object.assign(new Error(sentence), { source }))
    const abort = () => request.abort()
    request.open('PUT', url)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.onprogress = (event) => onProgress?.(event)
    request.onabort = () => reject(new DOMException('The upload was stopped.', 'AbortError'))
    request.onerror = () => fail('The connection broke.')
    request.onloadend = () => signal?.removeEventListener('abort', abort)
    request.onload = () => {
      const etag = request.getResponseHeader('etag')
      // In these words Uppy signs anew. What else is forbidden ends after its few tries.
      if (request.status === 403) fail('Request has expired')
      else if (request.status < 200 || request.status >= 300) fail(`The storage answered ${request.status}.`)
      // Tried again it would be no better, so Uppy is shown no status to decide by.
      else if (!etag) fail('The storage does not expose the ETag header. Add it to `exposeHeaders` in the CORS rule of the bucket.', null)
      else resolve(etag)
    }
    if (signal?.aborted) return reject(new DOMException('The upload was stopped.', 'AbortError'))
    signal?.addEventListener('abort', abort)
    request.send(body)
  })
}

/** @param {number} ms @param {AbortSignal} [signal] */
async function untilOnline(ms, signal) {
  await new Promise((resolve) => setTimeout(resolve, ms))
  if (globalThis.navigator?.onLine === false) await new Promise((resolve) => addEventListener('online', resolve, { once: true }))
  signal?.throwIfAborted()
}

/** @returns {Waiting} */
function later() {
  /** @type {Partial<Waiting>} */
  const waiting = {}
  waiting.promise = new Promise((resolve, reject) => Object.assign(waiting, { resolve, reject }))
  return /** @type {Waiting} */ (waiting)
}

/** What makes a file on disk the same one tomorrow. @param {UploadFile} file */
function fingerprint({ name, data }) {
  return `${REMEMBERED}${JSON.stringify([name, data.size, data.lastModified ?? 0])}`
}
