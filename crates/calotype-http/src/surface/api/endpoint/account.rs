//! What an account has beside its images.

use super::{Body, Endpoint, Operation, Success, Verb};
use crate::hosted::ProblemKind;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/images/v1/stats",
        tag: "Account",
        operations: &[
            Operation::new(Verb::Get, "images-v1-stats", "How many images there are, and may be")
                .answers(Success::Result("Stats")),
        ],
    },
    Endpoint {
        path: "/images/v1/config",
        tag: "Account",
        operations: &[
            Operation::new(Verb::Get, "images-v1-config", "The account's settings").answers(Success::Result("Config")),
            Operation::new(Verb::Patch, "images-v1-config-update", "Change the account's settings")
                .text("What is not given stays. `browser_ttl: null` is the default again.")
                .write()
                .takes(Body::OptionalJson("ConfigChanges"))
                .answers(Success::Result("Config"))
                .fails(&[ProblemKind::TooSlow, ProblemKind::BrokenUpload]),
        ],
    },
    Endpoint {
        path: "/images/v1/keys",
        tag: "Signing keys",
        operations: &[
            Operation::new(Verb::Get, "images-v1-keys-list", "List signing keys with their values")
                .text("The operator may have made this take Write.")
                .answers(Success::Result("SigningKeys")),
        ],
    },
    Endpoint {
        path: "/images/v1/keys/{signing_key_name}",
        tag: "Signing keys",
        operations: &[
            Operation::new(
                Verb::Put,
                "images-v1-keys-put",
                "Make a signing key, or give one a new value",
            )
            .text("Answers all keys.")
            .write()
            .answers(Success::Result("SigningKeys"))
            .fails(&[ProblemKind::Full]),
            Operation::new(Verb::Delete, "images-v1-keys-delete", "Delete a signing key")
                .text("Answers the keys that are left. After the last one there is a new `default`.")
                .write()
                .answers(Success::Result("SigningKeys"))
                .fails(&[ProblemKind::NotFound]),
        ],
    },
    Endpoint {
        path: "/images/v1/variants",
        tag: "Variants",
        operations: &[
            Operation::new(Verb::Get, "images-v1-variants-list", "List variants by name")
                .answers(Success::Result("Variants")),
            Operation::new(Verb::Post, "images-v1-variants-create", "Create a variant")
                .write()
                .takes(Body::Json("NewVariant"))
                .answers(Success::Result("VariantInside"))
                .fails(&[
                    ProblemKind::TooSlow,
                    ProblemKind::Taken,
                    ProblemKind::BrokenUpload,
                    ProblemKind::Full,
                ]),
        ],
    },
    Endpoint {
        path: "/images/v1/variants/{variant_id}",
        tag: "Variants",
        operations: &[
            Operation::new(Verb::Get, "images-v1-variants-details", "A variant")
                .answers(Success::Result("VariantInside"))
                .fails(&[ProblemKind::VariantNotFound]),
            Operation::new(Verb::Patch, "images-v1-variants-update", "Change a variant")
                .text("Options that are not given stay; `null` takes one away.")
                .write()
                .takes(Body::Json("VariantChanges"))
                .answers(Success::Result("VariantInside"))
                .fails(&[
                    ProblemKind::VariantNotFound,
                    ProblemKind::TooSlow,
                    ProblemKind::BrokenUpload,
                ]),
            Operation::new(Verb::Delete, "images-v1-variants-delete", "Delete a variant")
                .text("`public` stays, whatever the answer says.")
                .write()
                .fails(&[ProblemKind::VariantNotFound]),
        ],
    },
    Endpoint {
        path: "/images/v1/variants/{variant_id}/flat",
        tag: "Variants",
        operations: &[Operation::new(
            Verb::Get,
            "images-v1-variants-flat",
            "A variant without the member around it",
        )
        .deprecated()
        .answers(Success::Result("Variant"))
        .fails(&[ProblemKind::VariantNotFound])],
    },
];
