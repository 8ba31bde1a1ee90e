//! A tap in front of the local bucket's S3 endpoint: it forwards every byte, the Host header included, so
//! that signatures hold; it knows which parts of multipart uploads the bucket accepted, can stop parts in
//! mid-flight and cut connections, and answers `ListParts`, which the real R2 has and wrangler's lacks.
//!
//! Invariant: nothing that passes is changed. It runs on threads of its own, since it outlives the
//! runtime of the test that started it.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// A running tap.
#[derive(Debug)]
pub struct BucketProxy {
    port: u16,
    shared: Arc<Shared>,
}

/// One part that the bucket said 200 to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedPart {
    /// The bucket's own name of the upload, as it is spelt in URLs.
    pub storage_id: String,
    /// From 1.
    pub number: u32,
    /// What the bucket answered, with its quotes if it has any.
    pub etag: String,
    /// Its length.
    pub size_bytes: u64,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    closing: AtomicBool,
}

#[derive(Debug)]
struct State {
    accepted: Vec<AcceptedPart>,
    /// Parts that may still pass whole; without a number all may.
    may_pass: Option<u64>,
    stopped: usize,
    connections: Vec<Arc<Connection>>,
    /// Parts on a page of `ListParts`; without a number it is left to the bucket.
    list_page: Option<usize>,
    lists: usize,
}

#[derive(Debug)]
struct Connection {
    caller: TcpStream,
    bucket: TcpStream,
    cut: AtomicBool,
}

/// What the next answer of the bucket belongs to.
enum Expected {
    /// A part: number, upload and length.
    Part(String, u32, u64),
    /// An answer without a body, whatever its head says.
    Head,
    /// Anything else.
    Other,
}

impl BucketProxy {
    /// Listens on a free port and forwards to `target` on this machine.
    pub fn start(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let state = State {
            accepted: Vec::new(),
            may_pass: None,
            stopped: 0,
            connections: Vec::new(),
            list_page: Some(1000),
            lists: 0,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            closing: AtomicBool::new(false),
        });
        let tap = Self { port, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                if shared.closing.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(caller, target));
            }
        });
        tap
    }

    /// Where to call instead of the bucket.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Every part that the bucket accepted, in order; one that was sent twice is there twice.
    pub fn accepted(&self) -> Vec<AcceptedPart> {
        self.shared.state().accepted.clone()
    }

    /// How often the bucket accepted each part number, over all uploads.
    pub fn times_accepted(&self) -> std::collections::BTreeMap<u32, usize> {
        let mut times = std::collections::BTreeMap::new();
        for part in &self.shared.state().accepted {
            *times.entry(part.number).or_default() += 1;
        }
        times
    }

    /// From now on so many parts pass; those that come after them stop half-way, until this is called
    /// again or their connection ends.
    pub fn let_pass(&self, parts: u64) {
        self.shared.state().may_pass = Some(parts);
        self.shared.changed.notify_all();
    }

    /// Lets everything pass, as at the start.
    pub fn let_all_pass(&self) {
        self.shared.state().may_pass = None;
        self.shared.changed.notify_all();
    }

    /// Parts that are stopped half-way now.
    pub fn stopped(&self) -> usize {
        self.shared.state().stopped
    }

    /// Ends every connection, as a network that drops does. What was stopped half-way never arrives.
    pub fn cut(&self) {
        for connection in std::mem::take(&mut self.shared.state().connections) {
            connection.end();
        }
        self.shared.changed.notify_all();
    }

    /// How `ListParts` is answered: so many parts on a page (1,000 as long as nothing is said), or `None`
    /// to leave it to the bucket behind, which answers `NotImplemented`.
    pub fn answer_lists(&self, page: Option<usize>) {
        self.shared.state().list_page = page;
    }

    /// How often `ListParts` was asked.
    pub fn lists_asked(&self) -> usize {
        self.shared.state().lists
    }
}

impl Drop for BucketProxy {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        self.cut();
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Connection {
    fn end(&self) {
        self.cut.store(true, Ordering::Relaxed);
        let _ = self.caller.shutdown(Shutdown::Both);
        let _ = self.bucket.shutdown(Shutdown::Both);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One connection, until either side ends it.
    fn serve(self: Arc<Self>, caller: TcpStream, target: u16) {
        // Nobody listens while the Worker restarts: the caller sees its connection end.
        let Ok(bucket) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else { return };
        let _ = (caller.set_nodelay(true), bucket.set_nodelay(true));
        let (Ok(from_caller), Ok(from_bucket)) = (caller.try_clone(), bucket.try_clone()) else { return };
        let connection = Arc::new(Connection { caller, bucket, cut: AtomicBool::new(false) });
        self.state().connections.push(Arc::clone(&connection));
        let (expect, expected) = mpsc::channel();
        let answers = {
            let (shared, connection) = (Arc::clone(&self), Arc::clone(&connection));
            thread::spawn(move || {
                // An end of the stream is the end of the connection, expected or not.
                let _ = shared.pass_answers(BufReader::new(from_bucket), &connection, &expected);
                connection.end();
            })
        };
        let _ = self.pass_requests(BufReader::new(from_caller), &connection, &expect);
        let _ = connection.bucket.shutdown(Shutdown::Write);
        drop(expect);
        let _ = answers.join();
        self.state().connections.retain(|other| !Arc::ptr_eq(other, &connection));
    }

    fn pass_requests(
        &self,
        mut caller: BufReader<TcpStream>,
        connection: &Connection,
        expect: &mpsc::Sender<Expected>,
    ) -> std::io::Result<()> {
        while let Some(head) = Head::read(&mut caller)? {
            let mut words = head.first_line().split(' ');
            let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let query = target.split_once('?').map_or("", |(_, query)| query);
            let parameter = |name: &str| {
                query
                    .split('&')
                    .find_map(|pair| pair.split_once('=').filter(|(n, _)| *n == name))
                    .map(|p| p.1)
            };
            let upload = parameter("uploadId");
            let number = parameter("partNumber").and_then(|text| text.parse().ok());
            let length = head.length().unwrap_or(0);
            if let ("GET", Some(upload), None) = (method, upload, number) {
                let after = parameter("part-number-marker").and_then(|text| text.parse().ok()).unwrap_or(0);
                if let Some(page) = self.list(upload, after) {
                    (&connection.caller).write_all(page.as_bytes())?;
                    continue;
                }
            }
            let part = match (method, upload, number) {
                ("PUT", Some(upload), Some(number)) => {
                    Some(Expected::Part(upload.to_owned(), number, length))
                }
                _ => None,
            };
            let stoppable = part.is_some();
            let other = if method == "HEAD" { Expected::Head } else { Expected::Other };
            let _ = expect.send(part.unwrap_or(other));
            (&connection.bucket).write_all(&head.bytes)?;
            let first_half = if stoppable { length / 2 } else { length };
            copy(&mut caller, &connection.bucket, first_half)?;
            if stoppable {
                self.wait_to_pass(connection)?;
                copy(&mut caller, &connection.bucket, length - first_half)?;
            }
        }
        Ok(())
    }

    /// Waits until one more part may pass whole.
    fn wait_to_pass(&self, connection: &Connection) -> std::io::Result<()> {
        let mut state = self.state();
        let mut waited = false;
        let outcome = loop {
            if connection.cut.load(Ordering::Relaxed) {
                break Err(std::io::ErrorKind::ConnectionAborted.into());
            }
            match &mut state.may_pass {
                None => break Ok(()),
                Some(parts) if *parts > 0 => {
                    *parts -= 1;
                    break Ok(());
                }
                Some(_) => {}
            }
            if !waited {
                waited = true;
                state.stopped += 1;
            }
            // Wakes by itself too: a connection may end without a word.
            let woken = self.changed.wait_timeout(state, Duration::from_millis(50));
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        };
        if waited {
            state.stopped -= 1;
        }
        outcome
    }

    fn pass_answers(
        &self,
        mut bucket: BufReader<TcpStream>,
        connection: &Connection,
        expected: &mpsc::Receiver<Expected>,
    ) -> std::io::Result<()> {
        while let Some(head) = Head::read(&mut bucket)? {
            let status = head.first_line().split(' ').nth(1).unwrap_or_default().to_owned();
            if status.starts_with('1') {
                (&connection.caller).write_all(&head.bytes)?;
                continue;
            }
            let expected = expected.recv().unwrap_or(Expected::Other);
            let bodiless = matches!(expected, Expected::Head) || status == "204" || status == "304";
            if let (Expected::Part(storage_id, number, size_bytes), "200") = (expected, status.as_str()) {
                let etag = head.value("etag").unwrap_or_default().to_owned();
                // Known first: once the caller has its answer, the tap has counted it.
                self.state().accepted.push(AcceptedPart { storage_id, number, etag, size_bytes });
                self.changed.notify_all();
            }
            (&connection.caller).write_all(&head.bytes)?;
            match head.length() {
                _ if bodiless => {}
                Some(length) => copy(&mut bucket, &connection.caller, length)?,
                None if head.value("transfer-encoding").is_some() => {
                    copy_chunks(&mut bucket, &connection.caller)?;
                }
                None => return copy(&mut bucket, &connection.caller, u64::MAX),
            }
        }
        Ok(())
    }

    /// A page of `ListParts` as R2 answers it, or nothing when that is left to the bucket.
    fn list(&self, upload: &str, after: u32) -> Option<String> {
        let mut state = self.state();
        state.lists += 1;
        let page = state.list_page?;
        // The last one that was sent under a number is the one that counts.
        let parts: std::collections::BTreeMap<u32, &AcceptedPart> = state
            .accepted
            .iter()
            .filter(|part| part.storage_id == upload && part.number > after)
            .map(|part| (part.number, part))
            .collect();
        let truncated = parts.len() > page;
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <ListPartsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><MaxParts>{page}</MaxParts>\
             <IsTruncated>{truncated}</IsTruncated>"
        );
        for part in parts.values().take(page) {
            let etag = part.etag.trim_matches('"');
            let _ = write!(
                xml,
                "<Part><ETag>&quot;{etag}&quot;</ETag><LastModified>2026-01-31T09:05:00.000Z</LastModified>\
                 <PartNumber>{}</PartNumber><Size>{}</Size></Part>",
                part.number, part.size_bytes
            );
        }
        if let (true, Some(last)) = (truncated, parts.keys().nth(page.saturating_sub(1))) {
            let _ = write!(xml, "<NextPartNumberMarker>{last}</NextPartNumberMarker>");
        }
        xml.push_str("</ListPartsResult>");
        Some(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ncontent-length: {}\r\n\r\n{xml}",
            xml.len()
        ))
    }
}

/// The head of a message, as it came.
struct Head {
    bytes: Vec<u8>,
    text: String,
}

impl Head {
    /// The next one, or nothing at the end of the stream.
    fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        loop {
            let before = bytes.len();
            if stream.read_until(b'\n', &mut bytes)? == 0 {
                return Ok(None);
            }
            if &bytes[before..] == b"\r\n" {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                return Ok(Some(Self { bytes, text }));
            }
        }
    }

    fn first_line(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    fn value(&self, name: &str) -> Option<&str> {
        let fields = self.text.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.map(|(n, value)| (n, value.trim())).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|f| f.1)
    }

    fn length(&self) -> Option<u64> {
        self.value("content-length").and_then(|text| text.parse().ok())
    }
}

/// Exactly so many bytes, or all there are.
fn copy(from: &mut BufReader<TcpStream>, mut to: &TcpStream, length: u64) -> std::io::Result<()> {
    let copied = std::io::copy(&mut from.take(length), &mut to)?;
    if copied == length || length == u64::MAX {
        Ok(())
    } else {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// A chunked body (RFC 9112 7.1), as it comes.
fn copy_chunks(from: &mut BufReader<TcpStream>, mut to: &TcpStream) -> std::io::Result<()> {
    loop {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line)?;
        to.write_all(&line)?;
        let text = String::from_utf8_lossy(&line).into_owned();
        let size = text.trim().split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size, 16).map_err(|_| std::io::ErrorKind::InvalidData)?;
        if size == 0 {
            // The trailer ends with an empty line.
            while line != b"\r\n" {
                line.clear();
                if from.read_until(b'\n', &mut line)? == 0 {
                    return Ok(());
                }
                to.write_all(&line)?;
            }
            return Ok(());
        }
        copy(from, to, size + 2)?;
    }
}
