//! Why a request is not answered, before a dialect writes it.

/// An error to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) message: String,
    /// The field at fault.
    pub(crate) param: Option<String>,
    pub(crate) code: Option<&'static str>,
}

impl Problem {
    /// A 400 about a field.
    pub(crate) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { status: 400, message: message.into(), param: Some(param.into()), code: None }
    }

    /// An error that says nothing about the request.
    pub(crate) fn status(status: u16, message: impl Into<String>) -> Problem {
        Problem { status, message: message.into(), param: None, code: None }
    }

    pub(crate) fn with_code(self, code: &'static str) -> Problem {
        Problem { code: Some(code), ..self }
    }
}
