//! One URL of a provider, built once per endpoint and used by every call.

use std::sync::Arc;

use http::Uri;

use crate::path::{push_path, push_query};
use crate::{Base, UpstreamError};

/// A URL under a [`Base`]. There is no other way to make one, so a call cannot go elsewhere.
#[derive(Debug, Clone)]
pub struct Target {
    base: Arc<Base>,
    uri: Uri,
}

impl Target {
    /// Appends a dialect's path, such as `/chat/completions`. `?` and `#` in it are escaped, like all that is
    /// no path: a model's id cannot add a query. `%XX` stays as it is.
    ///
    /// # Errors
    /// A path without a leading slash, with empty or dot segments, backslashes or control characters.
    pub fn new(base: &Arc<Base>, path: &str) -> Result<Self, UpstreamError> {
        Self::build(base, path, None)
    }

    /// As [`Target::new`], with a query: `alt=sse`.
    ///
    /// # Errors
    /// As [`Target::new`]; control characters in the query.
    pub fn with_query(base: &Arc<Base>, path: &str, query: &str) -> Result<Self, UpstreamError> {
        Self::build(base, path, Some(query))
    }

    fn build(base: &Arc<Base>, path: &str, query: Option<&str>) -> Result<Self, UpstreamError> {
        let refuse = |reason| UpstreamError::Path { text: path.to_owned(), reason };
        let mut url = base.as_str().to_owned();
        push_path(&mut url, path).map_err(refuse)?;
        if let Some(query) = query {
            push_query(&mut url, query).map_err(refuse)?;
        }
        let uri = Uri::try_from(url).map_err(|_| refuse("the URL is too long"))?;
        Ok(Self { base: Arc::clone(base), uri })
    }

    /// The base that it is under.
    #[must_use]
    pub fn base(&self) -> &Arc<Base> {
        &self.base
    }

    /// The whole URL.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }
}
