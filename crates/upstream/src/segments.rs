//! A request body of several pieces, sent without copying them together.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The pieces of a body, in order. Its length is known, so that `Content-Length` is sent.
#[derive(Debug, Default)]
pub struct Segments {
    /// Apart from the others, so that a body of one piece needs no allocation.
    first: Bytes,
    rest: vec::IntoIter<Bytes>,
    /// Bytes in `first` and `rest`.
    remaining: u64,
}

impl Segments {
    /// How many bytes are still to be sent.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.remaining
    }

    /// Is nothing to be sent?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remaining == 0
    }

    fn next_piece(&mut self) -> Option<Bytes> {
        let first = std::mem::take(&mut self.first);
        if first.is_empty() { self.rest.find(|piece| !piece.is_empty()) } else { Some(first) }
    }
}

impl From<Bytes> for Segments {
    fn from(whole: Bytes) -> Self {
        let remaining = length(&whole);
        Self { first: whole, rest: Vec::new().into_iter(), remaining }
    }
}

impl From<Vec<Bytes>> for Segments {
    fn from(pieces: Vec<Bytes>) -> Self {
        let remaining = pieces.iter().map(length).sum();
        Self { first: Bytes::new(), rest: pieces.into_iter(), remaining }
    }
}

fn length(piece: &Bytes) -> u64 {
    u64::try_from(piece.len()).expect("a length fits 64 bits")
}

impl Body for Segments {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let piece = this.next_piece();
        if let Some(piece) = &piece {
            this.remaining -= length(piece);
        }
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn pieces_are_sent_in_order_and_the_length_is_exact() {
        for pieces in [&["a", "", "bcd", "e"][..], &["whole"], &["", ""], &[], &["", "x"]] {
            let whole = pieces.concat();
            let body = Segments::from(pieces.iter().map(|piece| Bytes::from(*piece)).collect::<Vec<_>>());
            assert_eq!(body.size_hint().exact(), Some(length(&Bytes::from(whole.clone()))));
            assert_eq!(body.is_end_stream(), whole.is_empty());
            assert_eq!(body.collect().await.expect("infallible").to_bytes(), whole);
        }
        assert_eq!(Segments::from(Bytes::from("whole")).collect().await.expect("infallible").to_bytes(), "whole");
    }

    #[tokio::test]
    async fn a_piece_is_handed_on_and_not_copied() {
        let piece = Bytes::from(vec![7; 100]);
        let mut body = Segments::from(vec![piece.clone()]);
        let frame = body.frame().await.expect("one frame").expect("infallible").into_data().expect("data");
        assert_eq!(frame.as_ptr(), piece.as_ptr());
        assert!(body.is_end_stream() && body.is_empty());
    }
}
