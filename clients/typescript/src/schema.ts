// Generated of the API's description by `npm run generate`. Not to be changed by hand.
export interface paths {
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listProjects"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description One of them. Members that the FastAPI backend has and this API does not fill are null. */
        ActiveExport: {
            /** Format: date-time */
            completed_at: string | null;
            /** Format: date-time */
            created_at: string;
            error: string | null;
            job_id: components["schemas"]["JobId"];
            output_filename: null;
            output_video_id: null;
            project_id: number;
            project_name: string | null;
            /** Format: date-time */
            started_at: string | null;
            status: components["schemas"]["JobStatus"];
            type: components["schemas"]["JobType"];
        };
        /** @description The exports that have not ended. */
        ActiveExports: {
            exports: components["schemas"]["ActiveExport"][];
        };
        /** @description One clip of a game, with the coach's words. */
        AnnotatedClip: {
            /** @description Where it ends, after `start_time`. */
            end_time: number;
            /** @description What it is called. In a reel it is the title of the clip's chapter. */
            name: string;
            /** @description A second line. */
            notes?: string | null;
            /** @description How good the play was, from 1 to 5. */
            rating: number;
            /** @description Where it starts, in seconds of the source. */
            start_time: number;
            /** @description Search words; they are not drawn. */
            tags?: string[] | null;
        };
        /** @description Join annotated clips of a game. */
        AnnotateParams: {
            /** @description Which sound track of the video is heard, from 1. Left out, the renderer chooses. */
            audio_track?: number | null;
            /** @description The clips, in the order of the result. */
            clips: components["schemas"]["AnnotatedClip"][];
            /**
             * @description Whether a sheet of small pictures is made of the result.
             * @default false
             */
            filmstrip?: boolean | null;
        };
        /** @description Who changed what. */
        AuditEntry: {
            /** Format: date-time */
            at: string;
            /** @description The name of a service's key, `user`, or `uploader` for the holder of an upload. */
            caller: string;
            /** @description A fingerprint of the end user that the caller is, or acts for. */
            owner: string | null;
            /** @description The request's name in the logs. */
            request_id: string;
            /** @description Method and path. */
            route: string;
            /** @description The HTTP status of the answer. */
            status: number;
            /** @description The id of what was changed. */
            target: string;
        };
        /** @description A page of the audit log, newest first. */
        AuditPage: {
            entries: components["schemas"]["AuditEntry"][];
            /** @description The `cursor` of the next page; null on the last one. */
            next_cursor: string | null;
        };
        /** @description What became of each job of a batch, in the order of the request. */
        BatchAnswer: {
            results: components["schemas"]["BatchResult"][];
        };
        /** @description One of them: a job, or the problem that kept it from being created. */
        BatchResult: {
            job?: components["schemas"]["Job"] | null;
            problem?: components["schemas"]["Problem"] | null;
            /** @description The HTTP status that the job alone would have got. */
            status: number;
        };
        /** @description Bytes in a window of time. */
        ByteLimit: {
            limit: number;
            /** Format: date-time */
            resets_at: string;
            used: number;
            window_s: number;
        };
        /** @description A clip of a project. */
        Clip: {
            /** @description From 0 to 999. */
            clip_index: number;
            /** @description Where it ends. */
            end_time: number | null;
            name: string | null;
            project_id: number;
            /** @description Where it starts, in seconds of the video. */
            start_time: number | null;
            /** @description The video it is cut from. */
            video_key: string;
        };
        /** @description One clip, cropped. */
        ClipFraming: {
            /** @description Which sound track of the video is heard, from 1. Left out, the renderer chooses. */
            audio_track?: number | null;
            /** @description The clip's index in its project. */
            clip_index?: number | null;
            /** @description What is shown, in ascending order, all by `frame` or all by `time`. */
            crop_keyframes: components["schemas"]["CropAtFrame"][] | components["schemas"]["CropAtTime"][];
            /** @description Where it ends, after `start_time`. */
            end_time?: number | null;
            /**
             * @description Whether a sheet of small pictures is made of the result.
             * @default false
             */
            filmstrip?: boolean | null;
            /**
             * @description What is done when the aspects differ: all is shown with black beside it, the output is filled, or the picture is stretched.
             * @default contain
             * @enum {string|null}
             */
            fit?: "contain" | "cover" | "fill" | null;
            /**
             * @description Whether the result has sound if a source has.
             * @default true
             */
            include_audio?: boolean | null;
            /**
             * @description How crops and ellipses move between keyframes.
             * @default linear
             * @enum {string|null}
             */
            interpolation?: "linear" | "catmull_rom" | null;
            /** @description Pixels down. */
            output_height?: number | null;
            /** @description Pixels across. One side is enough: the other follows from the aspect. */
            output_width?: number | null;
            /** @description Further videos of the same edit, made of the same decoded frames. */
            outputs?: components["schemas"]["FurtherOutput"][] | null;
            /**
             * @description A size that has a name.
             * @enum {string|null}
             */
            preset?: "portrait_1080" | "portrait_720" | "square_1080" | "landscape_1080" | "draft_360" | null;
            /** @description Parts to show with their speed, in source order. What lies between them is left out. */
            segments?: components["schemas"]["Segment"][] | null;
            /** @description Where it starts, in seconds of the source. */
            start_time?: number | null;
            /** @description Frames a second. Left out, those of the first clip's video. */
            target_fps?: number | null;
        };
        /** @description A project's clips, in the order of their index. */
        Clips: {
            clips: components["schemas"]["Clip"][];
        };
        /** @description 200 to `POST .../complete`. */
        CompletedUpload: {
            /** @description The object's entity tag. */
            etag: string;
            /** @description Its length. */
            size_bytes: number;
            /** @description Where the video is. */
            video_key: string;
        };
        /** @description Parts that were sent and not confirmed yet. */
        CompleteUpload: {
            /** @description The parts. */
            parts?: components["schemas"]["SentPart"][] | null;
        };
        /** @description One confirmed part. */
        ConfirmedPartJson: {
            /** @description Without quotes. */
            etag: string;
            /** @description From 1. */
            part_number: number;
            /** @description Its length. */
            size_bytes: number;
        };
        /** @description 200 to `PUT .../parts`. */
        ConfirmedParts: {
            /** @description Confirmed parts in all. */
            confirmed: number;
        };
        /** @description Parts that were sent. */
        ConfirmParts: {
            /** @description The parts. */
            parts: components["schemas"]["SentPart"][];
        };
        /** @description A new compilation of annotated clips. */
        CreateAnnotateJob: {
            /** @description The `video_key` of the upload that is read. */
            input_video_key: string;
            /**
             * Format: uuid
             * @description An id of the client's own. The same request with the same id gets the same job.
             */
            job_id?: string | null;
            /** @description Short texts of the caller's own, by which lists find the job. Who reads the job reads them. */
            labels?: {
                [key: string]: string;
            } | null;
            /** @description The edit. */
            params: components["schemas"]["AnnotateParams"];
            /** @description The project, as the client numbers it. */
            project_id: number;
            /**
             * @description What is rendered. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "annotate";
            /**
             * Format: uri
             * @description A URL that hears of this job's events, beside the webhooks of its owner.
             */
            webhook_url?: string | null;
        };
        /** @description Several new jobs. */
        CreateBatch: {
            /** @description The jobs. Each is created, or refused, by itself. */
            jobs: components["schemas"]["CreateJob"][];
        };
        /** @description A new framing. */
        CreateFramingJob: {
            /** @description The `video_key` of the upload that is read. */
            input_video_key: string;
            /**
             * Format: uuid
             * @description An id of the client's own. The same request with the same id gets the same job.
             */
            job_id?: string | null;
            /** @description Short texts of the caller's own, by which lists find the job. Who reads the job reads them. */
            labels?: {
                [key: string]: string;
            } | null;
            /** @description The edit. */
            params: components["schemas"]["FramingParams"];
            /** @description The project, as the client numbers it. */
            project_id: number;
            /**
             * @description What is rendered. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "framing";
            /**
             * Format: uri
             * @description A URL that hears of this job's events, beside the webhooks of its owner.
             */
            webhook_url?: string | null;
        };
        /** @description A new job. */
        CreateJob: components["schemas"]["CreateAnnotateJob"] | components["schemas"]["CreateFramingJob"] | components["schemas"]["CreateOverlayJob"];
        /** @description A new overlay. */
        CreateOverlayJob: {
            /** @description The `video_key` of the upload that is read. */
            input_video_key: string;
            /**
             * Format: uuid
             * @description An id of the client's own. The same request with the same id gets the same job.
             */
            job_id?: string | null;
            /** @description Short texts of the caller's own, by which lists find the job. Who reads the job reads them. */
            labels?: {
                [key: string]: string;
            } | null;
            /** @description The edit. */
            params: components["schemas"]["OverlayParams"];
            /** @description The project, as the client numbers it. */
            project_id: number;
            /**
             * @description What is rendered. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "overlay";
            /**
             * Format: uri
             * @description A URL that hears of this job's events, beside the webhooks of its owner.
             */
            webhook_url?: string | null;
        };
        /** @description A token for one end user. */
        CreateToken: {
            /**
             * @description How long it is valid, in seconds.
             * @default 3600
             */
            expires_in_s?: number | null;
            /**
             * @description What the token allows.
             * @default [
             *       "read",
             *       "write"
             *     ]
             */
            scopes?: ("read" | "write")[] | null;
            /** @description The user, as the service names them. */
            subject: string;
        };
        /** @description A video that is to be uploaded in parts. */
        CreateUpload: {
            /** @description What the browser says of the file. Left out, the name decides. */
            content_type?: string | null;
            /** @description The name of the file, as the user calls it. */
            filename: string;
            /**
             * Format: uuid
             * @description The job it is for, when the client has chosen its id.
             */
            job_id?: string | null;
            /** @description The length of each part but the last. Left out, it follows from the file's length. */
            part_size?: number | null;
            /** @description The length of the file. */
            size_bytes: number;
        };
        /** @description A video that is to be uploaded by one PUT. */
        CreateUploadUrl: {
            /** @description What the browser says of the file. Left out, the name decides. */
            content_type?: string | null;
            /** @description The name of the file, as the user calls it. */
            filename: string;
            /**
             * Format: uuid
             * @description The job it is for, when the client has chosen its id.
             */
            job_id?: string | null;
            /** @description The length of the file. A user's upload must say it. */
            size_bytes?: number | null;
        };
        /** @description A server that is to hear of jobs. */
        CreateWebhook: {
            /** @description A person's words. */
            description?: string | null;
            /** @description What it hears of. Left out, everything. */
            event_types?: ("job.started" | "job.complete" | "job.error" | "job.cancelled")[] | null;
            /**
             * Format: uri
             * @description Where events are sent: https, a name of the public DNS, port 443 or 8443.
             */
            url: string;
        };
        /** @description What is shown at one frame. A crop that extends beyond the picture is moved inside. */
        CropAtFrame: {
            /** @description The frame of the source, from 0. */
            frame: number;
            /** @description Pixels down. */
            height: number;
            /** @description Who placed it; not used. */
            origin?: string | null;
            /** @description Pixels across. */
            width: number;
            /** @description Left edge, in pixels of the source. */
            x: number;
            /** @description Upper edge, in pixels of the source. */
            y: number;
        };
        /** @description What is shown at one moment. A crop that extends beyond the picture is cut off. */
        CropAtTime: {
            /** @description Pixels down. */
            height: number;
            /** @description Who placed it; not used. */
            origin?: string | null;
            /** @description Seconds of the source. */
            time: number;
            /** @description Pixels across. */
            width: number;
            /** @description Left edge, in pixels of the source. */
            x: number;
            /** @description Upper edge, in pixels of the source. */
            y: number;
        };
        /** @description Each event of a job at each webhook that hears of it. */
        Deliveries: {
            deliveries: components["schemas"]["Delivery"][];
        };
        /** @description An event on its way to a webhook. */
        Delivery: {
            /** @description Attempts so far. */
            attempts: number;
            delivery_id: string;
            job_id: components["schemas"]["JobId"];
            /** Format: date-time */
            last_attempt_at: string | null;
            /**
             * @description Why the last attempt failed.
             * @enum {string|null}
             */
            last_error: "error_status" | "redirect" | "gone" | "timed_out" | "no_connection" | "interrupted" | "unavailable" | "url_not_allowed" | "endpoint_deleted" | "endpoint_disabled" | null;
            /** @description The HTTP status of the last attempt, if there was an answer. */
            last_status: number | null;
            /**
             * Format: date-time
             * @description When it is tried again.
             */
            next_attempt_at: string | null;
            /** @description The `seq` of the event. */
            seq: number;
            /** @enum {string} */
            status: "pending" | "sending" | "delivered" | "failed";
            type: components["schemas"]["WebhookEventType"];
            /**
             * Format: uuid
             * @description Null for the job's own `webhook_url`.
             */
            webhook_id: string | null;
        };
        /** @description What a job would make. What its params do not say is null: nothing has opened the video. */
        DryRun: {
            /** @constant */
            dry_run: true;
            /** @description The same in dollars, at the price of a common GPU. */
            estimated_cost_usd: components["schemas"]["Range"] | null;
            /** @description From a video of 1080 lines at 30 frames a second to the largest that may come, without a GPU. */
            estimated_render_ms: components["schemas"]["Range"] | null;
            /** @description How long one attempt may take. */
            execution_timeout_ms: number;
            /** @description How many outputs beside the main one. */
            further_outputs: number;
            output: components["schemas"]["DryRunOutput"];
            type: components["schemas"]["JobType"];
        };
        /** @description The video that a job would make. */
        DryRunOutput: {
            duration_ms: number | null;
            fps: number | null;
            frames: number | null;
            height: number | null;
            width: number | null;
        };
        /** @description A duration in whole milliseconds. */
        DurationMs: number;
        /** @description Where the ellipse is at one moment. */
        EllipseKeyframe: {
            /** @description As the web writes it. */
            color?: string | null;
            /**
             * @description How strong it is drawn.
             * @default 0.15
             */
            opacity?: number | null;
            /** @description Who placed it; not used. */
            origin?: unknown;
            /** @description Half its width, in pixels. */
            radiusX: number;
            /** @description Half its height, in pixels. */
            radiusY: number;
            /** @description Seconds of the source. */
            time: number;
            /** @description Centre, in pixels of the source. */
            x: number;
            /** @description Centre, in pixels of the source. */
            y: number;
        };
        /** @description How much of each kind. */
        ErasedCounts: {
            clips: number;
            jobs: number;
            projects: number;
            videos: number;
        };
        /** @description What one request has erased of a user. */
        ErasedOwner: {
            /** @description Whether all is gone. Repeat the request until it is. */
            done: boolean;
            removed: components["schemas"]["ErasedCounts"];
        };
        /**
         * @description Why a job failed.
         *
         *     `cancelled`: The export was cancelled.
         *
         *     `invalid_input`: This video or edit cannot be rendered; check the file and try another one.
         *
         *     `input_changed`: The video was replaced after the export was created. Create the export again.
         *
         *     `inputs_too_large`: The videos of this export are too large for the renderer's disk. Use fewer or smaller videos.
         *
         *     `gpu_error`: The renderer failed; try the export again.
         *
         *     `gpu_out_of_memory`: The renderer ran out of memory; try a smaller output size or a shorter clip.
         *
         *     `gpu_unreachable`: The render service could not be reached; try the export again in a few minutes.
         *
         *     `gpu_unauthorized`: The render service rejected the API key. An operator must replace RUNPOD_API_KEY before the export can be retried.
         *
         *     `queue_timeout`: No renderer became available in time. Try the export again later.
         *
         *     `execution_timeout`: The render took too long and was stopped; try a shorter clip.
         *
         *     `worker_lost`: The renderer stopped answering; try the export again.
         *
         *     `output_missing`: The renderer finished but produced no video. Try the export again.
         *
         *     `internal`: Something went wrong on our side; try the export again.
         * @enum {string}
         */
        ErrorCode: "cancelled" | "invalid_input" | "input_changed" | "inputs_too_large" | "gpu_error" | "gpu_out_of_memory" | "gpu_unreachable" | "gpu_unauthorized" | "queue_timeout" | "execution_timeout" | "worker_lost" | "output_missing" | "internal";
        /** @description A framing of a project's clip. */
        ExportFraming: {
            /** @description Which sound track of the video is heard, from 1. Left out, the renderer chooses. */
            audio_track?: number | null;
            /** @description The clip's index in its project. */
            clip_index: number | null;
            /** @description What is shown, in ascending order, all by `frame` or all by `time`. */
            crop_keyframes: components["schemas"]["CropAtFrame"][] | components["schemas"]["CropAtTime"][];
            /** @description Where it ends, after `start_time`. */
            end_time?: number | null;
            /** @description Whether a sheet of small pictures is made of the result. */
            filmstrip?: boolean | null;
            /**
             * @description What is done when the aspects differ: all is shown with black beside it, the output is filled, or the picture is stretched.
             * @enum {string|null}
             */
            fit?: "contain" | "cover" | "fill" | null;
            /** @description Whether the result has sound if a source has. */
            include_audio?: boolean | null;
            /**
             * @description How crops and ellipses move between keyframes.
             * @enum {string|null}
             */
            interpolation?: "linear" | "catmull_rom" | null;
            /**
             * Format: uuid
             * @description An id of the client's own. The same request with the same id gets the same job.
             */
            job_id?: string | null;
            /** @description Pixels down. */
            output_height?: number | null;
            /** @description Pixels across. One side is enough: the other follows from the aspect. */
            output_width?: number | null;
            /** @description Further videos of the same edit, made of the same decoded frames. */
            outputs?: components["schemas"]["FurtherOutput"][] | null;
            /**
             * @description A size that has a name.
             * @enum {string|null}
             */
            preset?: "portrait_1080" | "portrait_720" | "square_1080" | "landscape_1080" | "draft_360" | null;
            /** @description The project, as the client numbers it. */
            project_id: number;
            /** @description Parts to show with their speed, in source order. What lies between them is left out. */
            segments?: components["schemas"]["Segment"][] | null;
            /** @description Whether the result becomes the project's working video. */
            set_working_video?: boolean | null;
            /** @description Where it starts, in seconds of the source. */
            start_time?: number | null;
            /** @description Frames a second. Left out, those of the first clip's video. */
            target_fps?: number | null;
        } | {
            /** @description Which sound track of the video is heard, from 1. Left out, the renderer chooses. */
            audio_track?: number | null;
            /** @description The clip's index in its project. */
            clip_index: number | null;
            /** @description The clips, in the order of the result. */
            clips: components["schemas"]["ReelClip"][];
            /** @description Whether a sheet of small pictures is made of the result. */
            filmstrip?: boolean | null;
            /**
             * @description What is done when the aspects differ: all is shown with black beside it, the output is filled, or the picture is stretched.
             * @enum {string|null}
             */
            fit?: "contain" | "cover" | "fill" | null;
            /** @description Whether the result has sound if a source has. */
            include_audio?: boolean | null;
            /**
             * @description How crops and ellipses move between keyframes.
             * @enum {string|null}
             */
            interpolation?: "linear" | "catmull_rom" | null;
            /**
             * Format: uuid
             * @description An id of the client's own. The same request with the same id gets the same job.
             */
            job_id?: string | null;
            /** @description Pixels down. */
            output_height?: number | null;
            /** @description Pixels across. One side is enough: the other follows from the aspect. */
            output_width?: number | null;
            /** @description Further videos of the same edit, made of the same decoded frames. */
            outputs?: components["schemas"]["FurtherOutput"][] | null;
            /**
             * @description A size that has a name.
             * @enum {string|null}
             */
            preset?: "portrait_1080" | "portrait_720" | "square_1080" | "landscape_1080" | "draft_360" | null;
            /** @description The project, as the client numbers it. */
            project_id: number;
            /** @description Whether the result becomes the project's working video. */
            set_working_video?: boolean | null;
            /** @description Frames a second. Left out, those of the first clip's video. */
            target_fps?: number | null;
            /** @description How each clip leads to the next. */
            transition?: components["schemas"]["Transition"] | null;
        };
        /** @description An overlay of a project's working video. */
        ExportOverlay: {
            /** @description Which sound track of the video is heard, from 1. Left out, the renderer chooses. */
            audio_track?: number | null;
            /** @description What is shown. Without any, the whole picture. */
            crop_keyframes?: (components["schemas"]["CropAtFrame"][] | null) | (components["schemas"]["CropAtTime"][] | null);
            /**
             * @description How the players are set apart.
             * @enum {string|null}
             */
            effect_type?: "blur" | "spotlight" | "original" | "brightness_boost" | "dark_overlay" | null;
            /** @description Whether a sheet of small pictures is made of the result. */
            filmstrip?: boolean | null;
            /**
             * @description What is done when the aspects differ: all is shown with black beside it, the output is filled, or the picture is stretched.
             * @enum {string|null}
             */
            fit?: "contain" | "cover" | "fill" | null;
            /** @description Where the players are. All of one form. Without any, the clip is not changed. */
            highlight_regions?: (components["schemas"]["FixedRegion"][] | null) | (components["schemas"]["MovingRegion"][] | null);
            /**
             * @description How crops and ellipses move between keyframes.
             * @enum {string|null}
             */
            interpolation?: "linear" | "catmull_rom" | null;
            /**
             * Format: uuid
             * @description An id of the client's own. The same request with the same id gets the same job.
             */
            job_id?: string | null;
            /** @description Pixels down. */
            output_height?: number | null;
            /** @description Pixels across. One side is enough: the other follows from the aspect. */
            output_width?: number | null;
            /** @description Further videos of the same edit, made of the same decoded frames. */
            outputs?: components["schemas"]["FurtherOutput"][] | null;
            /**
             * @description A size that has a name.
             * @enum {string|null}
             */
            preset?: "portrait_1080" | "portrait_720" | "square_1080" | "landscape_1080" | "draft_360" | null;
            /** @description The project, as the client numbers it. */
            project_id: number;
        };
        /** @description A job, as short as the FastAPI backend says it. */
        ExportStarted: {
            job_id: components["schemas"]["JobId"];
            status: components["schemas"]["JobStatus"];
            /** @description The path of its socket, with a token that opens it. */
            websocket_url: string;
        };
        /** @description One error in a request: where it is and what is wrong. */
        FieldError: {
            /** @description What is wrong, worded so that it can follow the name of the field. */
            detail: string;
            /** @description JSON pointer (RFC 6901) into the body; empty for the body itself. */
            pointer: string;
        };
        /** @description A sheet of small pictures: where it is, which part shows what, and how it is divided. */
        Filmstrip: {
            /** @description Pictures in a row. */
            columns: number;
            /** @description Time between two pictures. */
            interval_ms: number;
            /** @description Pixels down of one picture. */
            tile_height: number;
            /** @description Pixels across of one picture. */
            tile_width: number;
            /** @description Pictures in all. */
            tiles: number;
            /**
             * Format: uri
             * @description A GET of the sheet. Good for an hour.
             */
            url: string;
            /** @description The path of its `WebVTT` file, for players. */
            vtt_url: string;
        };
        /** @description An ellipse that does not move, by frames. */
        FixedRegion: {
            /** @description As the web writes it. */
            color?: string | null;
            /** @description The last frame in which it is drawn. */
            end_frame: number;
            /** @description The client's own name of it; not used. */
            id?: unknown;
            /**
             * @description How strong it is drawn.
             * @default 1
             */
            opacity?: number | null;
            /** @description Half its width, in pixels. */
            radius_x: number;
            /** @description Half its height, in pixels. */
            radius_y: number;
            /** @description The first frame in which it is drawn. */
            start_frame: number;
            /** @description Centre, in pixels of the source. */
            x: number;
            /** @description Centre, in pixels of the source. */
            y: number;
        };
        /** @description Crop one clip and change its speed, or several clips that become one reel. */
        FramingParams: components["schemas"]["ClipFraming"] | components["schemas"]["ReelFraming"];
        /** @description One more video of the same edit. It has a `preset`, or a `width`, a `height` or both. */
        FurtherOutput: {
            /** @description What it shows. Without any, it follows the main crop in its own shape. */
            crop_keyframes?: (components["schemas"]["CropAtFrame"][] | null) | (components["schemas"]["CropAtTime"][] | null);
            /**
             * @description The same for this output. Left out, as the main one.
             * @enum {string|null}
             */
            fit?: "contain" | "cover" | "fill" | null;
            /** @description Pixels down. */
            height?: number | null;
            /** @description Unique in its job: lower-case letters, digits, `-` and `_`. */
            name: string;
            /**
             * @description A size that has a name.
             * @enum {string|null}
             */
            preset?: "portrait_1080" | "portrait_720" | "square_1080" | "landscape_1080" | "draft_360" | null;
            /** @description Pixels across. */
            width?: number | null;
        };
        /** @description An API that works. */
        Health: {
            /** @description Whether callers must show a key. */
            api_key: boolean;
            /** @description The environment's name. */
            env: string;
            /** @description Whether renders can start. */
            runpod: boolean;
            /** @constant */
            status: "ok";
            /** @description Release and revision. */
            version: string;
            /** @description In development without a key: what that means. */
            warning?: string | null;
        };
        /** @description An export job. */
        Job: {
            /** @description The number of the attempt, from 1. */
            attempt: number;
            /**
             * Format: date-time
             * @description When it ended.
             */
            completed_at: string | null;
            /**
             * Format: date-time
             * @description When it was created.
             */
            created_at: string;
            /** @description Why it failed, as a sentence. */
            error: string | null;
            /** @description Why it failed, for programs. */
            error_code: components["schemas"]["ErrorCode"] | null;
            /** @description How long one attempt may take. */
            execution_timeout_ms: components["schemas"]["DurationMs"];
            /** @description A sheet of small pictures, when the job was asked for one. */
            filmstrip?: components["schemas"]["Filmstrip"] | null;
            /** @description The same id. */
            id: components["schemas"]["JobId"];
            /** @description The video it reads. Left out for the holder of a link. */
            input_video_key?: string | null;
            /** @description The job. */
            job_id: components["schemas"]["JobId"];
            /** @description In a message, what is rendered. */
            job_type?: components["schemas"]["JobType"] | null;
            /** @description What its creator has noted on it. Left out without any, and for the holder of a link. */
            labels?: {
                [key: string]: string;
            } | null;
            /** @description How many attempts are made at most. */
            max_attempts: number;
            /** @description What happens now, as a sentence. */
            message: string;
            /** @description What was made; null until then, and when its renderer did not say. */
            output: components["schemas"]["OutputMedia"] | null;
            /** @description The length of the video it made. */
            output_bytes: number | null;
            /**
             * Format: uri
             * @description A GET of the video it made. Good for an hour.
             */
            output_url: string | null;
            /** @description The video it made; null until then. Left out for the holder of a link. */
            output_video_key?: string | null;
            /** @description The further outputs. Left out by a job without any, and until it is complete. */
            outputs?: components["schemas"]["JobOutput"][];
            /** @description The edit, as it was sent. Messages after the first leave it out, and so does a link. */
            params?: {
                [key: string]: unknown;
            } | null;
            /**
             * Format: uri
             * @description A GET of a picture of it. Good for an hour.
             */
            poster_url: string | null;
            /** @description Percent, from 0 to 100. */
            progress: number;
            /** @description The project it belongs to. */
            project_id: number;
            /** @description The same number, for clients of the FastAPI backend's socket. */
            projectId?: number | null;
            /** @description Attempts before this one. */
            retry_count: number;
            /** @description Whether another attempt may help. */
            retryable: boolean | null;
            /** @description RunPod's name of the attempt. Left out for the holder of a link. */
            runpod_job_id?: string | null;
            /** @description The number of the newest stored event. Progress between two events has none. */
            seq?: number | null;
            /** @description Where it is, in more detail. */
            stage: components["schemas"]["JobStage"];
            /**
             * Format: date-time
             * @description When a renderer took it.
             */
            started_at: string | null;
            /** @description Where it is. */
            status: components["schemas"]["JobStatus"];
            /** @description What is rendered. In a message, the kind of the message. */
            type: components["schemas"]["JobType"];
            /** @description What it has cost so far, in the units that Cloudflare bills. */
            usage?: components["schemas"]["Usage"] | null;
            /** @description The path of its socket, with a token that opens it. */
            websocket_url: string;
        };
        /** @description The stored events of a job. */
        JobEvents: {
            /** @description In their order. */
            events: components["schemas"]["JobMessage"][];
            /** @description The `seq` of the newest one, for `after`. */
            seq: number;
        };
        /**
         * Format: uuid
         * @description A job's id: a UUID, written in lower case with hyphens.
         *
         *     The client may choose it; otherwise it is made from random bytes of the caller.
         */
        JobId: string;
        /**
         * JobMessage
         * @description A message of a job's socket: the job as it is now.
         */
        JobMessage: {
            /** @description The number of the attempt, from 1. */
            attempt: number;
            /**
             * Format: date-time
             * @description When it ended.
             */
            completed_at: string | null;
            /**
             * Format: date-time
             * @description When it was created.
             */
            created_at: string;
            /** @description Why it failed, as a sentence. */
            error: string | null;
            /** @description Why it failed, for programs. */
            error_code: components["schemas"]["ErrorCode"] | null;
            /** @description How long one attempt may take. */
            execution_timeout_ms: components["schemas"]["DurationMs"];
            /** @description A sheet of small pictures, when the job was asked for one. */
            filmstrip?: components["schemas"]["Filmstrip"] | null;
            /** @description The same id. */
            id: components["schemas"]["JobId"];
            /** @description The video it reads. Left out for the holder of a link. */
            input_video_key?: string | null;
            /** @description The job. */
            job_id: components["schemas"]["JobId"];
            /** @description In a message, what is rendered. */
            job_type: components["schemas"]["JobType"] | null;
            /** @description What its creator has noted on it. Left out without any, and for the holder of a link. */
            labels?: {
                [key: string]: string;
            } | null;
            /** @description How many attempts are made at most. */
            max_attempts: number;
            /** @description What happens now, as a sentence. */
            message: string;
            /** @description What was made; null until then, and when its renderer did not say. */
            output: components["schemas"]["OutputMedia"] | null;
            /** @description The length of the video it made. */
            output_bytes: number | null;
            /**
             * Format: uri
             * @description A GET of the video it made. Good for an hour.
             */
            output_url: string | null;
            /** @description The video it made; null until then. Left out for the holder of a link. */
            output_video_key?: string | null;
            /** @description The further outputs. Left out by a job without any, and until it is complete. */
            outputs?: components["schemas"]["JobOutput"][];
            /** @description The edit, as it was sent. Messages after the first leave it out, and so does a link. */
            params?: {
                [key: string]: unknown;
            } | null;
            /**
             * Format: uri
             * @description A GET of a picture of it. Good for an hour.
             */
            poster_url: string | null;
            /** @description Percent, from 0 to 100. */
            progress: number;
            /** @description The project it belongs to. */
            project_id: number;
            /** @description The same number, for clients of the FastAPI backend's socket. */
            projectId?: number | null;
            /** @description Attempts before this one. */
            retry_count: number;
            /** @description Whether another attempt may help. */
            retryable: boolean | null;
            /** @description RunPod's name of the attempt. Left out for the holder of a link. */
            runpod_job_id?: string | null;
            /** @description The number of the newest stored event. Progress between two events has none. */
            seq?: number | null;
            /** @description Where it is, in more detail. */
            stage: components["schemas"]["JobStage"];
            /**
             * Format: date-time
             * @description When a renderer took it.
             */
            started_at: string | null;
            /** @description Where it is. */
            status: components["schemas"]["JobStatus"];
            /**
             * @description The kind of message. `complete` and `error` are the last.
             * @enum {string}
             */
            type: "status" | "progress" | "complete" | "error";
            /** @description What it has cost so far, in the units that Cloudflare bills. */
            usage?: components["schemas"]["Usage"] | null;
            /** @description The path of its socket, with a token that opens it. */
            websocket_url: string;
        };
        /** @description One of the edit's `outputs`, with the members that the main output has in the job itself. */
        JobOutput: {
            /** @description As the edit calls it. */
            name: string;
            /** @description What the video is. */
            output: components["schemas"]["OutputMedia"] | null;
            /** @description The length of the video. */
            output_bytes: number | null;
            /**
             * Format: uri
             * @description A GET of the video. Good for an hour.
             */
            output_url: string | null;
            /** @description Left out for a holder of a link. */
            output_video_key?: string | null;
            /**
             * Format: uri
             * @description A GET of a picture of it. Good for an hour.
             */
            poster_url: string | null;
        };
        /** @description A page of jobs, newest first. */
        JobPage: {
            /** @description The jobs. */
            jobs: components["schemas"]["JobSummary"][];
            /** @description The `cursor` of the next page; null on the last one. */
            next_cursor: string | null;
        };
        /** @enum {string} */
        JobStage: "queued" | "starting" | "downloading" | "rendering" | "uploading" | "verifying" | "done";
        /** @enum {string} */
        JobStatus: "pending" | "processing" | "complete" | "error";
        /** @description What the index knows of a job; it may be a moment behind. */
        JobSummary: {
            /** @description The number of the attempt, from 1. */
            attempt: number;
            /**
             * Format: date-time
             * @description When it ended.
             */
            completed_at: string | null;
            /**
             * Format: date-time
             * @description When it was created.
             */
            created_at: string;
            /** @description Why it failed, as a sentence. */
            error: string | null;
            /** @description Why it failed, for programs. */
            error_code: components["schemas"]["ErrorCode"] | null;
            /** @description The same id. */
            id: components["schemas"]["JobId"];
            /** @description The video it reads. */
            input_video_key: string;
            /** @description The job. */
            job_id: components["schemas"]["JobId"];
            /** @description What its creator has noted on it. Left out without any. */
            labels?: {
                [key: string]: string;
            } | null;
            /** @description Its length. */
            output_bytes: number | null;
            /** @description The video it made. */
            output_video_key: string | null;
            /**
             * Format: uri
             * @description A picture of the result; good for an hour.
             */
            poster_url: string | null;
            /** @description The project it belongs to. */
            project_id: number;
            /** @description Attempts before this one. */
            retry_count: number;
            /** @description Whether another attempt may help. */
            retryable: boolean | null;
            /**
             * Format: date-time
             * @description When a renderer took it.
             */
            started_at: string | null;
            /** @description Where it is. */
            status: components["schemas"]["JobStatus"];
            /** @description What is rendered. */
            type: components["schemas"]["JobType"];
        };
        /** @enum {string} */
        JobType: "framing" | "overlay" | "annotate";
        /**
         * LegacyMessage
         * @description A message of the FastAPI backend's socket: the job as it is now.
         */
        LegacyMessage: {
            /** @description The number of the attempt, from 1. */
            attempt: number;
            /**
             * Format: date-time
             * @description When it ended.
             */
            completed_at: string | null;
            /**
             * Format: date-time
             * @description When it was created.
             */
            created_at: string;
            /** @description Why it failed, as a sentence. */
            error: string | null;
            /** @description Why it failed, for programs. */
            error_code: components["schemas"]["ErrorCode"] | null;
            /** @description How long one attempt may take. */
            execution_timeout_ms: components["schemas"]["DurationMs"];
            /** @description A sheet of small pictures, when the job was asked for one. */
            filmstrip?: components["schemas"]["Filmstrip"] | null;
            /** @description The same id. */
            id: components["schemas"]["JobId"];
            /** @description The video it reads. Left out for the holder of a link. */
            input_video_key?: string | null;
            /** @description The job. */
            job_id: components["schemas"]["JobId"];
            /** @description In a message, what is rendered. */
            job_type?: components["schemas"]["JobType"] | null;
            /** @description What its creator has noted on it. Left out without any, and for the holder of a link. */
            labels?: {
                [key: string]: string;
            } | null;
            /** @description How many attempts are made at most. */
            max_attempts: number;
            /** @description What happens now, as a sentence. */
            message: string;
            /** @description What was made; null until then, and when its renderer did not say. */
            output: components["schemas"]["OutputMedia"] | null;
            /** @description The length of the video it made. */
            output_bytes: number | null;
            /**
             * Format: uri
             * @description A GET of the video it made. Good for an hour.
             */
            output_url: string | null;
            /** @description The video it made; null until then. Left out for the holder of a link. */
            output_video_key?: string | null;
            /** @description The further outputs. Left out by a job without any, and until it is complete. */
            outputs?: components["schemas"]["JobOutput"][];
            /** @description The edit, as it was sent. Messages after the first leave it out, and so does a link. */
            params?: {
                [key: string]: unknown;
            } | null;
            /**
             * Format: uri
             * @description A GET of a picture of it. Good for an hour.
             */
            poster_url: string | null;
            /** @description Percent, from 0 to 100. */
            progress: number;
            /** @description The project it belongs to. */
            project_id: number;
            /** @description The same number, for clients of the FastAPI backend's socket. */
            projectId: number | null;
            /** @description Attempts before this one. */
            retry_count: number;
            /** @description Whether another attempt may help. */
            retryable: boolean | null;
            /** @description RunPod's name of the attempt. Left out for the holder of a link. */
            runpod_job_id?: string | null;
            /** @description The number of the newest stored event. Progress between two events has none. */
            seq?: number | null;
            /** @description Where it is, in more detail. */
            stage: components["schemas"]["JobStage"];
            /**
             * Format: date-time
             * @description When a renderer took it.
             */
            started_at: string | null;
            /** @description Where it is. */
            status: components["schemas"]["JobStatus"];
            /** @description What is rendered. In a message, the kind of the message. */
            type: components["schemas"]["JobType"];
            /** @description What it has cost so far, in the units that Cloudflare bills. */
            usage?: components["schemas"]["Usage"] | null;
            /** @description The path of its socket, with a token that opens it. */
            websocket_url: string;
        };
        /** @description A number that may not be exceeded. */
        Limit: {
            limit: number;
        };
        /** @description The caller's limits, and what of them is used. */
        Limits: {
            /** @description Jobs that have not ended. Only of an end user. */
            jobs_in_flight?: components["schemas"]["UsedLimit"] | null;
            /** @description Requests of the caller. */
            requests: components["schemas"]["RequestLimit"];
            /** @description How often one job may be retried by hand. */
            retries_by_hand: components["schemas"]["Limit"];
            /** @description Open sockets. Only of an end user. */
            sockets?: components["schemas"]["SocketLimit"] | null;
            /** @description Sockets that one job may have. */
            sockets_per_job: components["schemas"]["Limit"];
            /** @description Bytes that may be uploaded in a day (UTC). Only of an end user. */
            upload_bytes?: components["schemas"]["ByteLimit"] | null;
        };
        /** @description An ellipse that moves between keyframes, by time. */
        MovingRegion: {
            /** @description Where it ends, after `start_time`. */
            end_time: number;
            /** @description The client's own name of it; not used. */
            id?: unknown;
            /** @description Where it is, in ascending order of time. */
            keyframes: components["schemas"]["EllipseKeyframe"][];
            /** @description Where it starts, in seconds of the source. */
            start_time: number;
        };
        /** @description An API that lacks settings. */
        NotConfigured: {
            /** @description Which ones, for those who may know. */
            detail: string;
            /** @constant */
            status: "not_configured";
            version: string;
        };
        /** @description What a video is, read from the file that was made. */
        OutputMedia: {
            /** @description Its length in the bucket. */
            bytes: number;
            /** @description Its length in time. */
            duration_ms: number;
            /** @description Frames a second. */
            fps: number;
            /** @description Frames in all. */
            frames: number;
            /** @description Pixels down. */
            height: number;
            /** @description Pixels across. */
            width: number;
        };
        /** @description Highlight players in a finished clip. */
        OverlayParams: {
            /** @description Which sound track of the video is heard, from 1. Left out, the renderer chooses. */
            audio_track?: number | null;
            /** @description What is shown. Without any, the whole picture. */
            crop_keyframes?: (components["schemas"]["CropAtFrame"][] | null) | (components["schemas"]["CropAtTime"][] | null);
            /**
             * @description How the players are set apart.
             * @default blur
             * @enum {string|null}
             */
            effect_type?: "blur" | "spotlight" | "original" | "brightness_boost" | "dark_overlay" | null;
            /**
             * @description Whether a sheet of small pictures is made of the result.
             * @default false
             */
            filmstrip?: boolean | null;
            /**
             * @description What is done when the aspects differ: all is shown with black beside it, the output is filled, or the picture is stretched.
             * @default contain
             * @enum {string|null}
             */
            fit?: "contain" | "cover" | "fill" | null;
            /** @description Where the players are. All of one form. Without any, the clip is not changed. */
            highlight_regions?: (components["schemas"]["FixedRegion"][] | null) | (components["schemas"]["MovingRegion"][] | null);
            /**
             * @description How crops and ellipses move between keyframes.
             * @default linear
             * @enum {string|null}
             */
            interpolation?: "linear" | "catmull_rom" | null;
            /** @description Pixels down. */
            output_height?: number | null;
            /** @description Pixels across. One side is enough: the other follows from the aspect. */
            output_width?: number | null;
            /** @description Further videos of the same edit, made of the same decoded frames. */
            outputs?: components["schemas"]["FurtherOutput"][] | null;
            /**
             * @description A size that has a name.
             * @enum {string|null}
             */
            preset?: "portrait_1080" | "portrait_720" | "square_1080" | "landscape_1080" | "draft_360" | null;
        };
        /** @description Why a request was refused (RFC 9457). */
        Problem: {
            /**
             * @description The kind of problem, for programs.
             * @enum {string}
             */
            code: "not_json" | "body_too_large" | "unsupported_media_type" | "request_timeout" | "invalid_request" | "input_not_found" | "route_not_found" | "method_not_allowed" | "job_not_found" | "video_not_found" | "filmstrip_not_found" | "precondition_failed" | "range_not_satisfiable" | "project_not_found" | "clip_not_found" | "no_working_video" | "source_not_found" | "webhook_not_found" | "delivery_not_found" | "upgrade_required" | "unauthorized" | "insufficient_scope" | "bad_token" | "origin_not_allowed" | "stale_attempt" | "already_claimed" | "idempotency_conflict" | "input_exists" | "job_state" | "upload_not_found" | "upload_incomplete" | "upload_state" | "limit_reached" | "not_configured" | "unavailable" | "internal";
            /** @description One sentence that a person can act on. */
            detail: string;
            /** @description The same sentence. */
            error: string;
            /** @description Every fault of the body or the query, with its place. */
            errors?: components["schemas"]["FieldError"][];
            /** @description The request's name in the logs. */
            request_id: string;
            /** @description The HTTP status. */
            status: number;
            /** @description The kind of problem in a few words. */
            title: string;
            /** @description A URI for the kind of problem. */
            type: string;
        };
        /** @description A project. */
        Project: {
            /** Format: date-time */
            created_at: string;
            /** @description As the client numbers it. */
            id: number;
            name: string | null;
            /** Format: date-time */
            updated_at: string;
            /** @description The video that its overlays are made of. */
            working_video_key: string | null;
        };
        /** @description A page of projects, newest first. */
        ProjectPage: {
            /** @description The `cursor` of the next page; null on the last one. */
            next_cursor: string | null;
            projects: components["schemas"]["Project"][];
        };
        /** @description A clip of a project. */
        PutClip: {
            /** @description Where it ends, after `start_time`. */
            end_time?: number | null;
            /** @description What it is called. In a reel it is the title of the clip's chapter. */
            name?: string | null;
            /** @description Where it starts, in seconds of the source. */
            start_time?: number | null;
            /** @description The video it is cut from. */
            video_key: string;
        };
        /** @description A project. What is left out stays as it is. */
        PutProject: {
            /** @description What it is called. In a reel it is the title of the clip's chapter. */
            name?: string | null;
            /** @description The video that the project's overlays are made of; `null` clears it. */
            working_video_key?: string | null;
        };
        /** @description From the least to the most. */
        Range: {
            least: number;
            most: number;
        };
        /** @description One clip of a reel. */
        ReelClip: {
            /** @description What is shown, in ascending order, all by `frame` or all by `time`. */
            crop_keyframes: components["schemas"]["CropAtFrame"][] | components["schemas"]["CropAtTime"][];
            /** @description Where it ends, after `start_time`. */
            end_time?: number | null;
            /** @description What it is called. In a reel it is the title of the clip's chapter. */
            name?: string | null;
            /** @description Parts to show with their speed, in source order. What lies between them is left out. */
            segments?: components["schemas"]["Segment"][] | null;
            /** @description Where it starts, in seconds of the source. */
            start_time?: number | null;
            /** @description The clip's video. Left out, the job's own input. */
            video_key?: string | null;
        };
        /** @description Several clips that become one reel. */
        ReelFraming: {
            /** @description Which sound track of the video is heard, from 1. Left out, the renderer chooses. */
            audio_track?: number | null;
            /** @description The clip's index in its project. */
            clip_index?: number | null;
            /** @description The clips, in the order of the result. */
            clips: components["schemas"]["ReelClip"][];
            /**
             * @description Whether a sheet of small pictures is made of the result.
             * @default false
             */
            filmstrip?: boolean | null;
            /**
             * @description What is done when the aspects differ: all is shown with black beside it, the output is filled, or the picture is stretched.
             * @default contain
             * @enum {string|null}
             */
            fit?: "contain" | "cover" | "fill" | null;
            /**
             * @description Whether the result has sound if a source has.
             * @default true
             */
            include_audio?: boolean | null;
            /**
             * @description How crops and ellipses move between keyframes.
             * @default linear
             * @enum {string|null}
             */
            interpolation?: "linear" | "catmull_rom" | null;
            /** @description Pixels down. */
            output_height?: number | null;
            /** @description Pixels across. One side is enough: the other follows from the aspect. */
            output_width?: number | null;
            /** @description Further videos of the same edit, made of the same decoded frames. */
            outputs?: components["schemas"]["FurtherOutput"][] | null;
            /**
             * @description A size that has a name.
             * @enum {string|null}
             */
            preset?: "portrait_1080" | "portrait_720" | "square_1080" | "landscape_1080" | "draft_360" | null;
            /** @description Frames a second. Left out, those of the first clip's video. */
            target_fps?: number | null;
            /** @description How each clip leads to the next. */
            transition?: components["schemas"]["Transition"] | null;
        };
        /** @description Requests in a window of time. */
        RequestLimit: {
            /** @description Null for a caller without one. */
            limit: number | null;
            /** @description In the place that has answered; others count on their own. */
            used: number;
            /** @description Length of the window. */
            window_s: number;
        };
        /** @description Tokens and links of a user that are worth nothing now. */
        RevokedTokens: {
            /** @description Jobs that had not ended. */
            open_jobs: number;
            /** Format: date-time */
            revoked_at: string;
        };
        /** @description A part of the source and its speed. */
        Segment: {
            /** @description Seconds of the source, after `start`. */
            end: number;
            /**
             * @description 0.5 is half speed and takes twice as long.
             * @default 1
             */
            speed?: number | null;
            /** @description Seconds of the source. */
            start: number;
        };
        /** @description A part with the ETag that the storage answered. */
        SentPart: {
            /** @description The header `ETag` of the storage's answer, with or without quotes. */
            etag: string;
            /** @description From 1. */
            part_number: number;
        };
        /** @description Where one part is sent. */
        SignedPart: {
            /** @description From 1. */
            part_number: number;
            /** @description The length that is signed. */
            size_bytes: number;
            /** @description For one PUT. */
            url: string;
        };
        /** @description 200 to `POST .../parts`. */
        SignedParts: {
            /** @description When the URLs stop working; ISO 8601. */
            expires_at: string;
            /** @description In the order of the request. */
            parts: components["schemas"]["SignedPart"][];
        };
        /** @description Parts that are to be sent. */
        SignParts: {
            /** @description Numbers of parts, from 1. */
            part_numbers: number[];
        };
        /** @description Sockets of one user. */
        SocketLimit: {
            limit: number;
            limit_per_job: number;
        };
        /** @description It is done. */
        Success: {
            /** @constant */
            success: true;
        };
        /** @description A token for one end user (names as in RFC 6749 5.1). */
        Token: {
            /** Format: date-time */
            expires_at: string;
            /** @description How long it is valid. */
            expires_in_s: number;
            /** @description What it allows. */
            scopes: ("read" | "write")[];
            /** @description The user it is for. */
            subject: string;
            /** @description Sent as `Authorization: Bearer`. */
            token: string;
            /** @constant */
            token_type: "Bearer";
        };
        /** @description How each clip leads to the next. */
        Transition: {
            /** @description Its length, in seconds of the reel. A cut has none. */
            duration?: number | null;
            /**
             * @description The kind.
             * @enum {string}
             */
            type: "cut" | "fade" | "dissolve";
        };
        /** @description A change of a webhook. What is left out stays as it is. */
        UpdateWebhook: {
            /** @description A person's words. */
            description?: string | null;
            /** @description Whether anything is sent to it. */
            enabled?: boolean | null;
            /** @description What it hears of. Left out, everything. */
            event_types?: ("job.started" | "job.complete" | "job.error" | "job.cancelled")[] | null;
            /**
             * Format: uri
             * @description Where events are sent: https, a name of the public DNS, port 443 or 8443.
             */
            url?: string | null;
        };
        /** @description Headers of an upload. */
        UploadHeaders: {
            /** @description The type that counts: the one that was sent, or the one that the file's name tells. */
            "content-type": string;
        };
        /** @description 201 to `POST /api/videos/multipart`, and 200 to `GET .../parts`. */
        UploadJson: {
            /** @description When it is aborted if it is not complete; ISO 8601. */
            expires_at: string;
            /** @description Parts in all. */
            part_count: number;
            /** @description Every part but the last. */
            part_size: number;
            /** @description The confirmed parts in their order; not of a new upload. */
            parts?: components["schemas"]["ConfirmedPartJson"][] | null;
            /** @description The whole file. */
            size_bytes: number;
            /** @description Not of a new upload. */
            status?: components["schemas"]["UploadStatus"] | null;
            /** @description Our own name of the upload; whoever has it may write to it. */
            upload_id: string;
            /** @description Where the video goes. */
            video_key: string;
        };
        /** @description Whether there is anything left to do. */
        UploadStatus: "open" | "complete";
        /** @description Where a video is sent, and how. */
        UploadUrl: {
            /**
             * Format: date-time
             * @description When the URL stops working.
             */
            expires_at: string;
            /** @description Headers that are part of the signature. They must be sent as they are. */
            headers: components["schemas"]["UploadHeaders"];
            /**
             * @description The method to use.
             * @constant
             */
            method: "PUT";
            /**
             * Format: uri
             * @description For one PUT. A capability: whoever has it may write this video.
             */
            upload_url: string;
            /** @description Names the video in jobs, projects and clips. */
            video_key: string;
        };
        /**
         * @description Billed units of one job. They are counted in memory and stored with the next write, so counting costs no
         *     write. Units since the last write are lost if the object stops.
         */
        Usage: {
            /** @description Times the alarm fired; each is billed as a request, too. */
            alarms: number;
            /** @description Rows written in D1, its indexes included. */
            d1_rows: number;
            /** @description Rows written in the object's SQLite, alarms included: setting one counts as a row. */
            object_rows: number;
            /** @description Requests to the object, upgrades to WebSockets included. */
            requests: number;
        };
        /** @description A limit with what is used of it. */
        UsedLimit: {
            limit: number;
            used: number;
        };
        /** @description A server that hears of jobs. */
        Webhook: {
            /** Format: date-time */
            created_at: string;
            description: string | null;
            /**
             * Format: date-time
             * @description When it was switched off.
             */
            disabled_at: string | null;
            /**
             * @description Why: by its owner, after five days of failures, or because it answered 410.
             * @enum {string|null}
             */
            disabled_reason: "switched_off" | "failing" | "gone" | null;
            /** @description Whether anything is sent to it. */
            enabled: boolean;
            /** @description What it hears of. */
            event_types: components["schemas"]["WebhookEventType"][];
            /**
             * Format: date-time
             * @description Its first failure since its last success.
             */
            failing_since: string | null;
            /**
             * Format: date-time
             * @description Until then deliveries are signed with the secret before, too.
             */
            previous_secret_valid_until: string | null;
            /** @description What deliveries are signed with. Shown once: when the webhook is made, and when its secret is new. */
            secret?: string | null;
            /** Format: date-time */
            updated_at: string;
            /** Format: uri */
            url: string;
            /** Format: uuid */
            webhook_id: string;
        };
        /** @enum {string} */
        WebhookEventType: "job.started" | "job.complete" | "job.error" | "job.cancelled";
        /** @description The caller's webhooks. */
        Webhooks: {
            webhooks: components["schemas"]["Webhook"][];
        };
        /** @description What came of a test event. */
        WebhookTest: {
            /** @description Whether the receiver answered with 2xx. */
            delivered: boolean;
            duration_ms: number;
            /**
             * @description Why it was not delivered.
             * @enum {string|null}
             */
            error: "error_status" | "redirect" | "gone" | "timed_out" | "no_connection" | "interrupted" | "unavailable" | "url_not_allowed" | "endpoint_deleted" | "endpoint_disabled" | null;
            /** @description The HTTP status of its answer. */
            status: number | null;
        };
        /** @description The secret of deliveries to `webhook_url`. */
        WebhookUrlSecret: {
            /** @description `whsec_` and base64. */
            secret: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listAudit: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
                /** @description How many at most. */
                limit?: number;
                /** @description Only what this user did, percent-encoded. */
                subject?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
    listJobs: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only jobs with this label, as `key:value`. */
                label?: string;
                /** @description How many at most. */
                limit?: number;
                /** @description Only jobs of this project. */
                project_id?: number;
                /** @description Only jobs in this state. */
                status?: "pending" | "processing" | "complete" | "error";
                /** @description Only jobs of this type. */
                type?: "framing" | "overlay" | "annotate";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
    listProjects: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. */
                cursor?: string;
                /** @description How many at most. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
}
