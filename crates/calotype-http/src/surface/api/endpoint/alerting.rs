//! Webhooks, and what leads to them.

use super::{Body, Endpoint, Kind, Operation, Parameter, Success, Verb};
use crate::hosted::ProblemKind;

const NEW: &[ProblemKind] = &[ProblemKind::TooSlow, ProblemKind::BrokenUpload, ProblemKind::Full];
const CHANGE: &[ProblemKind] = &[ProblemKind::TooSlow, ProblemKind::BrokenUpload, ProblemKind::NotFound];
const TESTED: &str = "A sample is posted first: what does not answer it with a 2xx is refused.";
const PAGE: Parameter = Parameter {
    name: "page",
    text: "Which page.",
    kind: Kind::Number(1, 1_000_000),
};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/alerting/v3/destinations/webhooks",
        tag: "Webhooks",
        operations: &[
            Operation::new(Verb::Get, "webhooks-list", "List webhooks, without their secrets")
                .answers(Success::Result("Webhooks")),
            Operation::new(Verb::Post, "webhooks-create", "Create a webhook")
                .text(TESTED)
                .write()
                .takes(Body::Json("NewWebhook"))
                .answers(Success::Result("Id"))
                .fails(NEW),
        ],
    },
    Endpoint {
        path: "/alerting/v3/destinations/webhooks/{webhook_id}",
        tag: "Webhooks",
        operations: &[
            Operation::new(Verb::Get, "webhooks-details", "A webhook")
                .answers(Success::Result("Webhook"))
                .fails(&[ProblemKind::NotFound]),
            Operation::new(Verb::Put, "webhooks-update", "Change a webhook")
                .text("What is not given stays; an empty secret is none. A sample is posted first if the URL or the secret is given.")
                .write()
                .takes(Body::Json("WebhookChanges"))
                .answers(Success::Result("Id"))
                .fails(CHANGE),
            Operation::new(Verb::Delete, "webhooks-delete", "Delete a webhook")
                .text("Policies lose it, its subscriptions go, and what waits for it is dropped.")
                .write()
                .fails(&[ProblemKind::NotFound]),
        ],
    },
    Endpoint {
        path: "/alerting/v3/destinations/webhooks/{webhook_id}/test",
        tag: "Webhooks",
        operations: &[
            Operation::new(Verb::Post, "webhooks-test", "Post a sample to a webhook")
                .write()
                .answers(Success::Result("WebhookTest"))
                .fails(&[ProblemKind::NotFound]),
        ],
    },
    Endpoint {
        path: "/alerting/v3/policies",
        tag: "Webhooks",
        operations: &[
            Operation::new(Verb::Get, "policies-list", "List policies").answers(Success::Result("Policies")),
            Operation::new(Verb::Post, "policies-create", "Create a policy")
                .text("Its webhooks hear of direct uploads that succeed or are refused.")
                .write()
                .takes(Body::Json("NewPolicy"))
                .answers(Success::Result("Id"))
                .fails(NEW),
        ],
    },
    Endpoint {
        path: "/alerting/v3/policies/{policy_id}",
        tag: "Webhooks",
        operations: &[
            Operation::new(Verb::Get, "policies-details", "A policy")
                .answers(Success::Result("Policy"))
                .fails(&[ProblemKind::NotFound]),
            Operation::new(Verb::Put, "policies-update", "Change a policy")
                .text("What is not given stays.")
                .write()
                .takes(Body::OptionalJson("PolicyChanges"))
                .answers(Success::Result("Id"))
                .fails(CHANGE),
            Operation::new(Verb::Delete, "policies-delete", "Delete a policy")
                .write()
                .fails(&[ProblemKind::NotFound]),
        ],
    },
    Endpoint {
        path: "/alerting/v3/available_alerts",
        tag: "Webhooks",
        operations: &[
            Operation::new(Verb::Get, "alerts-list", "What policies may be for").answers(Success::Result("AvailableAlerts")),
        ],
    },
    Endpoint {
        path: "/alerting/v3/history",
        tag: "Webhooks",
        operations: &[
            Operation::new(Verb::Get, "messages-list", "What was sent, and what was given up")
                .text("Newest first, of the last 30 days.")
                .query(&[
                    PAGE,
                    Parameter {
                        name: "per_page",
                        text: "Messages of a page; 25 if not given.",
                        kind: Kind::Number(1, 1_000),
                    },
                    Parameter {
                        name: "since",
                        text: "Sent at this time (RFC 3339) or later.",
                        kind: Kind::Text,
                    },
                    Parameter {
                        name: "before",
                        text: "Sent before this time (RFC 3339).",
                        kind: Kind::Text,
                    },
                ])
                .answers(Success::Page("Messages")),
        ],
    },
    Endpoint {
        path: "/event_subscriptions/subscriptions",
        tag: "Webhooks",
        operations: &[
            Operation::new(Verb::Get, "subscriptions-list", "List event subscriptions")
                .query(&[
                    PAGE,
                    Parameter {
                        name: "per_page",
                        text: "Subscriptions of a page; 20 if not given.",
                        kind: Kind::Number(1, 1_000),
                    },
                    Parameter {
                        name: "order",
                        text: "By what; `created_at` if not given.",
                        kind: Kind::OneOf(&["created_at", "name", "enabled", "source"]),
                    },
                    Parameter {
                        name: "direction",
                        text: "`asc` if not given.",
                        kind: Kind::OneOf(&["asc", "desc"]),
                    },
                ])
                .answers(Success::Page("Subscriptions")),
            Operation::new(Verb::Post, "subscriptions-create", "Subscribe a webhook to events")
                .write()
                .takes(Body::Json("NewSubscription"))
                .answers(Success::Result("Subscription"))
                .fails(NEW),
        ],
    },
    Endpoint {
        path: "/event_subscriptions/subscriptions/{subscription_id}",
        tag: "Webhooks",
        operations: &[
            Operation::new(Verb::Get, "subscriptions-details", "An event subscription")
                .answers(Success::Result("Subscription"))
                .fails(&[ProblemKind::NotFound]),
            Operation::new(Verb::Patch, "subscriptions-update", "Change an event subscription")
                .text("What is not given stays.")
                .write()
                .takes(Body::OptionalJson("SubscriptionChanges"))
                .answers(Success::Result("Subscription"))
                .fails(CHANGE),
            Operation::new(Verb::Delete, "subscriptions-delete", "Delete an event subscription")
                .text("Answers what it was.")
                .write()
                .answers(Success::Result("Subscription"))
                .fails(&[ProblemKind::NotFound]),
        ],
    },
];
