//! The byte streams of a call that stays in this process.
//!
//! A call has two directions: its parameters and its results. A direction is
//! a tree of byte streams, as wRPC wants it: the root carries what is known
//! when the call is made, and a value that comes later (a `stream<u8>`, say)
//! has a stream of its own, found by the path to it in the root's values.
//!
//! Chunks move from writer to reader without being copied again. A stream
//! takes a write of any size, but none once [`HIGH_WATER`] bytes wait in it.

use core::pin::Pin;
use core::task::{ready, Context, Poll, Waker};

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wrpc_transport::Index;

/// Bytes that may wait in a stream before its writer has to.
const HIGH_WATER: usize = 64 * 1024;

/// A direction whose root begins with `first`.
pub fn pipe(first: Bytes) -> (Writer, Reader) {
    let direction = Arc::new(Direction {
        root: Channel::default(),
        nested: Mutex::default(),
        writers: AtomicUsize::new(1),
        readers: AtomicUsize::new(1),
    });
    let writer = Writer {
        direction: Arc::clone(&direction),
        place: None,
    };
    let reader = Reader {
        direction,
        place: None,
        buffer: first,
    };
    (writer, reader)
}

/// All streams of a direction.
struct Direction {
    root: Channel,
    nested: Mutex<HashMap<Box<[usize]>, Arc<Channel>>>,
    /// Ends that are alive, of the root and of what is nested.
    writers: AtomicUsize,
    readers: AtomicUsize,
}

/// One stream of bytes.
#[derive(Default)]
struct Channel(Mutex<State>);

#[derive(Default)]
struct State {
    chunks: VecDeque<Bytes>,
    /// The bytes in `chunks`.
    waiting: usize,
    end: Option<End>,
    /// Nobody will read this any more.
    abandoned: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// How a stream ended.
#[derive(Clone, Copy)]
enum End {
    /// All is written.
    Complete,
    /// The writer is gone, in the middle for all that is known.
    Aborted,
}

/// Where a stream that is not the root is in its direction.
struct Place {
    path: Box<[usize]>,
    channel: Arc<Channel>,
}

/// The writing end of a stream. The root has to be shut down: when it is
/// dropped instead, its reader gets [`io::ErrorKind::ConnectionAborted`].
pub struct Writer {
    direction: Arc<Direction>,
    /// `None`: the root.
    place: Option<Place>,
}

/// The reading end of a stream.
pub struct Reader {
    direction: Arc<Direction>,
    /// `None`: the root.
    place: Option<Place>,
    /// What was taken from the stream: decoders read byte by byte, and a lock
    /// for each would be felt.
    buffer: Bytes,
}

/// Nothing panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Direction {
    fn channel<'a>(&'a self, place: &'a Option<Place>) -> &'a Channel {
        place.as_ref().map_or(&self.root, |place| &place.channel)
    }

    /// The stream at `path` below `place`, made by whichever end comes first.
    fn place(&self, place: &Option<Place>, path: &[usize]) -> anyhow::Result<Place> {
        anyhow::ensure!(!path.is_empty(), "the path to a nested stream is empty");
        let above = place.as_ref().map_or(&[][..], |place| &place.path);
        let path = [above, path].concat().into_boxed_slice();
        let mut nested = lock(&self.nested);
        let channel = Arc::clone(nested.entry(path.clone()).or_default());
        Ok(Place { path, channel })
    }

    /// Tells the streams that no end of the other kind will come for them.
    fn finish(&self, tell: impl Fn(&Channel)) {
        for channel in lock(&self.nested).values() {
            tell(channel);
        }
    }
}

impl Channel {
    fn end(&self, end: End) {
        let mut state = lock(&self.0);
        state.end.get_or_insert(end);
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    fn abandon(&self) {
        let mut state = lock(&self.0);
        state.abandoned = true;
        state.chunks.clear();
        if let Some(writer) = state.writer.take() {
            writer.wake();
        }
    }
}

impl Writer {
    /// Whether nobody reads any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        lock(&self.direction.channel(&self.place).0).abandoned
    }
}

impl Index<Self> for Writer {
    fn index(&self, path: &[usize]) -> anyhow::Result<Self> {
        let place = self.direction.place(&self.place, path)?;
        if self.direction.readers.load(Ordering::Acquire) == 0 {
            place.channel.abandon();
        }
        self.direction.writers.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            direction: Arc::clone(&self.direction),
            place: Some(place),
        })
    }
}

impl Index<Self> for Reader {
    fn index(&self, path: &[usize]) -> anyhow::Result<Self> {
        let place = self.direction.place(&self.place, path)?;
        if self.direction.writers.load(Ordering::Acquire) == 0 {
            place.channel.end(End::Complete);
        }
        self.direction.readers.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            direction: Arc::clone(&self.direction),
            place: Some(place),
            buffer: Bytes::new(),
        })
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.direction.channel(&self.place).0);
        if state.abandoned || state.end.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if state.waiting >= HIGH_WATER {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.chunks.push_back(Bytes::copy_from_slice(bytes));
        state.waiting += bytes.len();
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.direction.channel(&self.place).end(End::Complete);
        Poll::Ready(Ok(()))
    }
}

impl Reader {
    /// The next chunk, or nothing at the end.
    fn poll_chunk(&self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        let mut state = lock(&self.direction.channel(&self.place).0);
        let Some(chunk) = state.chunks.pop_front() else {
            return match state.end {
                Some(End::Complete) => Poll::Ready(Ok(None)),
                Some(End::Aborted) => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
                None => {
                    state.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        };
        state.waiting -= chunk.len();
        let writer = (state.waiting < HIGH_WATER).then(|| state.writer.take());
        drop(state);
        if let Some(Some(writer)) = writer {
            writer.wake();
        }
        Poll::Ready(Ok(Some(chunk)))
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if into.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if self.buffer.is_empty() {
            match ready!(self.poll_chunk(cx))? {
                Some(chunk) => self.buffer = chunk,
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.buffer.len().min(into.remaining());
        into.put_slice(&self.buffer[..length]);
        self.buffer.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let end = match self.place {
            None => End::Aborted,
            // Its values tell their own end.
            Some(_) => End::Complete,
        };
        self.direction.channel(&self.place).end(end);
        if self.direction.writers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.direction.finish(|channel| channel.end(End::Complete));
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.direction.channel(&self.place).abandon();
        if self.direction.readers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.direction.finish(Channel::abandon);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn read(mut reader: Reader) -> io::Result<String> {
        let mut text = String::new();
        reader.read_to_string(&mut text).await?;
        Ok(text)
    }

    #[tokio::test]
    async fn what_is_written_is_read_in_order_after_the_first_chunk() {
        let (mut writer, reader) = pipe(Bytes::from_static(b"one "));
        writer.write_all(b"two ").await.unwrap();
        writer.write_all(b"three").await.unwrap();
        writer.shutdown().await.unwrap();
        assert_eq!(read(reader).await.unwrap(), "one two three");
    }

    #[tokio::test]
    async fn a_root_that_is_dropped_is_no_end() {
        let (mut writer, mut reader) = pipe(Bytes::new());
        writer.write_all(b"half").await.unwrap();
        drop(writer);
        let mut half = [0; 4];
        reader.read_exact(&mut half).await.unwrap();
        let error = reader.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_breaks_the_pipe() {
        let (mut writer, reader) = pipe(Bytes::new());
        assert!(!writer.is_abandoned());
        drop(reader);
        assert!(writer.is_abandoned());
        let error = writer.write_all(b"nobody").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn a_writer_waits_above_the_mark_and_goes_on_below_it() {
        let (mut writer, mut reader) = pipe(Bytes::new());
        let big = vec![7; 5 * HIGH_WATER];
        writer.write_all(&big).await.unwrap();
        let waits = tokio::spawn(async move {
            writer.write_all(b"more").await.unwrap();
            writer.shutdown().await.unwrap();
        });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        let mut read = vec![0; big.len()];
        reader.read_exact(&mut read).await.unwrap();
        assert_eq!(read, big);
        waits.await.unwrap();
        let mut rest = String::new();
        reader.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "more");
    }

    #[tokio::test]
    async fn a_writer_that_waits_learns_that_its_reader_is_gone() {
        let (mut writer, reader) = pipe(Bytes::new());
        writer.write_all(&vec![7; HIGH_WATER]).await.unwrap();
        let waits = tokio::spawn(async move { writer.write_all(b"more").await });
        tokio::task::yield_now().await;
        drop(reader);
        assert!(waits.await.unwrap().is_err());
    }

    #[tokio::test]
    async fn nested_streams_meet_by_their_path_whoever_comes_first() {
        let (writer, reader) = pipe(Bytes::new());
        let early = reader.index(&[1, 2]).unwrap();
        let mut deep = writer.index(&[1]).unwrap().index(&[2]).unwrap();
        let mut other = writer.index(&[0]).unwrap();
        deep.write_all(b"deep").await.unwrap();
        other.write_all(b"other").await.unwrap();
        drop((deep, other));
        assert_eq!(read(early).await.unwrap(), "deep");
        let late = reader.index(&[0]).unwrap();
        assert_eq!(read(late).await.unwrap(), "other");
    }

    #[tokio::test]
    async fn a_nested_stream_that_nobody_writes_ends_with_the_last_writer() {
        let (writer, reader) = pipe(Bytes::new());
        let nested = tokio::spawn(read(reader.index(&[3]).unwrap()));
        tokio::task::yield_now().await;
        drop(writer);
        assert_eq!(nested.await.unwrap().unwrap(), "");
        assert_eq!(read(reader.index(&[4]).unwrap()).await.unwrap(), "");
    }
}
