//! The types of job.

use crate::base::words::word_enum;

word_enum! {
    /// The three types of job. A request or a stored job with another word is refused; the index keeps words
    /// as text.
    pub enum JobType {
        /// Crop and pace one clip.
        Framing = "framing",
        /// Highlight players in a finished clip.
        Overlay = "overlay",
        /// Join annotated moments of a game.
        Annotate = "annotate",
    }
}
