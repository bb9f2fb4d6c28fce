//! The table of endpoints: the router goes by it, and the description of the API is made of it.
//!
//! A path that is not in [`ALL`] is not routed, and a method that is not among its operations is refused, so what is not described is not served.

mod account;
mod alerting;
mod images;
mod tokens;

use calotype_store::Scope;
use http::Method;

pub(super) use self::images::UPLOAD_PROBLEMS;
use crate::hosted::ProblemKind;

/// Every endpoint of an account.
pub(super) const ALL: &[&[Endpoint]] = &[
    images::ENDPOINTS,
    account::ENDPOINTS,
    alerting::ENDPOINTS,
    tokens::ENDPOINTS,
];

/// A path, with what may be done there.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// Behind `/client/v4/accounts/{account_id}`, with names in braces.
    pub(super) path: &'static str,
    /// Which part of the API it belongs to.
    pub(super) tag: &'static str,
    pub(super) operations: &'static [Operation],
}

/// One method of an endpoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    pub(super) method: Verb,
    /// A name that no other operation has.
    pub(super) id: &'static str,
    /// What it does, in a line.
    pub(super) summary: &'static str,
    /// More of it.
    pub(super) text: &'static str,
    pub(super) needs: Scope,
    /// The batch host has it too (spec 6.17).
    pub(super) is_for_batch: bool,
    pub(super) is_deprecated: bool,
    pub(super) query: &'static [Parameter],
    pub(super) body: Body,
    pub(super) result: Success,
    /// How it may fail beside what can happen to every request.
    pub(super) problems: &'static [ProblemKind],
}

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

/// A parameter of the query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) kind: Kind,
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// A whole number within these bounds.
    Number(u32, u32),
    OneOf(&'static [&'static str]),
    /// Any number of `meta.<field>[<operator>]`.
    Filters,
}

/// What a request brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    None,
    /// A form with a file or a URL.
    Upload,
    /// A form with a file.
    OneTimeUpload,
    /// A form or JSON that promises an image.
    DirectUpload,
    /// JSON after a schema of this name.
    Json(&'static str),
    /// The same, which may be left out.
    OptionalJson(&'static str),
}

/// What a success answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Success {
    /// An envelope with a result after a schema of this name.
    Result(&'static str),
    /// The same with `result_info`.
    Page(&'static str),
    /// An empty result.
    Nothing,
    /// The bytes of an image.
    Image,
}

impl Endpoint {
    /// The endpoint of a path, as it stands in the table.
    pub(super) fn of(path: &str) -> Option<&'static Self> {
        ALL.iter().copied().flatten().find(|endpoint| endpoint.path == path)
    }

    /// The operation of a method.
    pub(super) fn operation(&self, method: &Method) -> Option<&'static Operation> {
        let operations: &'static [Operation] = self.operations;
        operations
            .iter()
            .find(|operation| operation.method.name() == method.as_str())
    }

    /// The methods that there are, as `Allow` has them.
    pub(super) fn allowed(&self) -> String {
        let names: Vec<&str> = self
            .operations
            .iter()
            .map(|operation| operation.method.name())
            .collect();
        names.join(", ")
    }
}

impl Verb {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Operation {
    /// What takes Read, has no body, and answers an empty result, unless it is said otherwise.
    pub(super) const fn new(method: Verb, id: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            id,
            summary,
            text: "",
            needs: Scope::Read,
            is_for_batch: false,
            is_deprecated: false,
            query: &[],
            body: Body::None,
            result: Success::Nothing,
            problems: &[],
        }
    }

    pub(super) const fn text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    const fn write(self) -> Self {
        Self {
            needs: Scope::Write,
            ..self
        }
    }

    const fn batch(self) -> Self {
        Self {
            is_for_batch: true,
            ..self
        }
    }

    const fn deprecated(self) -> Self {
        Self {
            is_deprecated: true,
            ..self
        }
    }

    const fn query(self, query: &'static [Parameter]) -> Self {
        Self { query, ..self }
    }

    pub(super) const fn takes(self, body: Body) -> Self {
        Self { body, ..self }
    }

    pub(super) const fn answers(self, result: Success) -> Self {
        Self { result, ..self }
    }

    const fn fails(self, problems: &'static [ProblemKind]) -> Self {
        Self { problems, ..self }
    }
}
