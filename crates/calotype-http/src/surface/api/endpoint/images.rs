//! Images, lists of them, and promises of them.

use super::{Body, Endpoint, Kind, Operation, Parameter, Success, Verb};
use crate::hosted::ProblemKind;

const PER_PAGE: Parameter = Parameter {
    name: "per_page",
    text: "Images of a page; more than 1,000 count as 1,000.",
    kind: Kind::Number(1, 10_000),
};
const CREATOR: Parameter = Parameter {
    name: "creator",
    text: "Images of this creator alone; empty: of none.",
    kind: Kind::Text,
};
/// How an upload may be refused.
pub(in super::super) const UPLOAD_PROBLEMS: &[ProblemKind] = &[
    ProblemKind::TooSlow,
    ProblemKind::Taken,
    ProblemKind::TooLarge,
    ProblemKind::NotAForm,
    ProblemKind::BrokenUpload,
    ProblemKind::Full,
    ProblemKind::UnsupportedFormat,
    ProblemKind::Storage,
    ProblemKind::Busy,
];
const BODY_PROBLEMS: &[ProblemKind] = &[ProblemKind::TooSlow, ProblemKind::BrokenUpload];

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/images/v1",
        tag: "Images",
        operations: &[
            Operation::new(Verb::Get, "images-v1-list", "List images by page")
                .deprecated()
                .text("Newest first. Drafts are not listed. Prefer list v2, which stays as quick on later pages.")
                .query(&[
                    Parameter {
                        name: "page",
                        text: "Which page.",
                        kind: Kind::Number(1, u32::MAX),
                    },
                    PER_PAGE,
                    CREATOR,
                ])
                .answers(Success::Page("ImageList")),
            Operation::new(Verb::Post, "images-v1-upload", "Upload an image")
                .text(
                    "By a part `file`, or from a `url`; one of them. Formats: JPEG, PNG, GIF, WebP, AVIF, HEIC, SVG. \
                     The image is deliverable when the answer comes.",
                )
                .write()
                .batch()
                .takes(Body::Upload)
                .answers(Success::Result("Image"))
                .fails(UPLOAD_PROBLEMS),
        ],
    },
    Endpoint {
        path: "/images/v1/{image_id}",
        tag: "Images",
        operations: &[
            Operation::new(Verb::Get, "images-v1-details", "An image, or a draft")
                .batch()
                .answers(Success::Result("Image"))
                .fails(&[ProblemKind::NotFound]),
            Operation::new(Verb::Patch, "images-v1-update", "Change an image")
                .text(
                    "What is not given stays. Metadata is replaced whole. Changing `requireSignedURLs` gives the image a \
                     new id, and the old one is gone.",
                )
                .write()
                .batch()
                .takes(Body::OptionalJson("ImageChanges"))
                .answers(Success::Result("Image"))
                .fails(&[
                    ProblemKind::NotFound,
                    ProblemKind::TooSlow,
                    ProblemKind::BrokenUpload,
                ]),
            Operation::new(Verb::Delete, "images-v1-delete", "Delete an image")
                .text("The original and every cached copy go with it. Of a draft, the upload URL is void.")
                .write()
                .batch()
                .fails(&[ProblemKind::NotFound]),
        ],
    },
    Endpoint {
        path: "/images/v1/{image_id}/blob",
        tag: "Images",
        operations: &[
            Operation::new(Verb::Get, "images-v1-blob", "The original")
                .text("The bytes that were uploaded, unchanged. Ranges and conditional requests work.")
                .answers(Success::Image)
                .fails(&[ProblemKind::NotFound, ProblemKind::Storage, ProblemKind::Busy]),
            Operation::new(Verb::Head, "images-v1-blob-head", "The original's headers")
                .answers(Success::Image)
                .fails(&[ProblemKind::NotFound, ProblemKind::Storage, ProblemKind::Busy]),
        ],
    },
    Endpoint {
        path: "/images/v2",
        tag: "Images",
        operations: &[Operation::new(Verb::Get, "images-v2-list", "List images")
            .text(
                "A page and a token for the next one, which is `null` on the last. The token holds for the same account, order, \
                 creator and filters. Drafts are not listed.",
            )
            .batch()
            .query(&[
                PER_PAGE,
                Parameter {
                    name: "continuation_token",
                    text: "From the page before.",
                    kind: Kind::Text,
                },
                Parameter {
                    name: "sort_order",
                    text: "By time of upload; newest first if not given.",
                    kind: Kind::OneOf(&["asc", "desc"]),
                },
                CREATOR,
                Parameter {
                    name: "filters",
                    text: "Up to five filters on metadata, which must all match: `meta.<field>[<operator>]=<value>`. Fields of nested objects are joined by dots. \
                           Operators: `eq` and `in` (texts), `eq:string`, `in:string`, `eq:number`, `in:number`, `eq:boolean`, `gt`, `gte`, `lt`, `lte` (numbers; \
                           each also with `:number`). The values of `in` are up to ten, joined by `|`.",
                    kind: Kind::Filters,
                },
            ])
            .answers(Success::Result("ImagePage"))],
    },
    Endpoint {
        path: "/images/v2/metadata/keys",
        tag: "Images",
        operations: &[Operation::new(Verb::Get, "images-v2-metadata-keys", "List the fields of metadata")
            .text("Names that filters can use, as far as the account's images have them.")
            .answers(Success::Result("MetadataKeys"))],
    },
    Endpoint {
        path: "/images/v2/direct_upload",
        tag: "Direct uploads",
        operations: &[
            Operation::new(Verb::Post, "images-v2-direct-upload", "A URL that takes one upload without a token")
                .text("The id is reserved until then. After the upload, or at `expiry`, the URL is void.")
                .write()
                .batch()
                .takes(Body::DirectUpload)
                .answers(Success::Result("DirectUpload"))
                .fails(&[
                    ProblemKind::TooSlow,
                    ProblemKind::Taken,
                    ProblemKind::NotAForm,
                    ProblemKind::BrokenUpload,
                    ProblemKind::Busy,
                ]),
        ],
    },
    Endpoint {
        path: "/images/v1/direct_upload",
        tag: "Direct uploads",
        operations: &[
            Operation::new(Verb::Post, "images-v1-direct-upload", "A URL that takes one upload, version 1")
                .text("Of the request only `expiry` is read.")
                .deprecated()
                .write()
                .takes(Body::OptionalJson("Expiry"))
                .answers(Success::Result("DirectUpload"))
                .fails(BODY_PROBLEMS),
        ],
    },
];
