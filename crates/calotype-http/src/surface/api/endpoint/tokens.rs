//! API tokens, and those of the batch host.

use super::{Body, Endpoint, Kind, Operation, Parameter, Success, Verb};
use crate::hosted::ProblemKind;

const BATCH_TEXT: &str = "Good for an hour, on the batch host alone, for 200 requests a second.";

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/images/v1/batch_token",
        tag: "Tokens",
        operations: &[
            Operation::new(Verb::Get, "images-v1-batch-token", "A token for the batch host")
                .text(BATCH_TEXT)
                .write()
                .answers(Success::Result("BatchToken")),
            Operation::new(Verb::Post, "images-v1-batch-token-create", "A token for the batch host, by POST")
                .text(BATCH_TEXT)
                .write()
                .answers(Success::Result("BatchToken")),
        ],
    },
    Endpoint {
        path: "/tokens",
        tag: "Tokens",
        operations: &[
            Operation::new(Verb::Get, "tokens-list", "List API tokens")
                .text("Oldest first; those that have ended too. Secrets are never told again.")
                .write()
                .query(&[
                    Parameter {
                        name: "page",
                        text: "Which page.",
                        kind: Kind::Number(1, u32::MAX),
                    },
                    Parameter {
                        name: "per_page",
                        text: "Tokens of a page; 20 if not given.",
                        kind: Kind::Number(1, 500),
                    },
                ])
                .answers(Success::Page("Tokens")),
            Operation::new(Verb::Post, "tokens-create", "Create an API token")
                .text(
                    "`value` is its secret, which is told only here. A token that ends, or that is bound to networks, may not create others.",
                )
                .write()
                .takes(Body::Json("NewToken"))
                .answers(Success::Result("CreatedToken"))
                .fails(&[ProblemKind::TooSlow, ProblemKind::BrokenUpload, ProblemKind::Full]),
        ],
    },
    Endpoint {
        path: "/tokens/permission_groups",
        tag: "Tokens",
        operations: &[
            Operation::new(Verb::Get, "tokens-permission-groups", "What tokens may be allowed")
                .answers(Success::Result("PermissionGroups")),
        ],
    },
    Endpoint {
        path: "/tokens/{token_id}",
        tag: "Tokens",
        operations: &[
            Operation::new(Verb::Get, "tokens-details", "An API token")
                .write()
                .answers(Success::Result("Token"))
                .fails(&[ProblemKind::NotFound]),
            Operation::new(Verb::Delete, "tokens-delete", "End an API token now")
                .write()
                .answers(Success::Result("TokenId"))
                .fails(&[ProblemKind::NotFound]),
        ],
    },
];
