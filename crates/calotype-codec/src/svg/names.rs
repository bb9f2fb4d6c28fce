//! The elements and attributes that are let through: the SVG that draws, and nothing that runs, links or fetches.
//!
//! The lists follow those of Cloudflare's `svg-hush` 0.9.7, without what renders nowhere any more, and with what is
//! harmless and missing there: `textPath` and its path, `paint-order`, and the like.

/// Elements that are let through. Others go with all that is in them; `style` is treated by itself.
pub(super) fn is_element(name: &str) -> bool {
    ELEMENTS.binary_search(&name).is_ok()
}

/// Attributes without a namespace that are let through. `href`, `style` and `attributeName` are treated by themselves.
pub(super) fn is_attribute(name: &str) -> bool {
    ATTRIBUTES.binary_search(&name).is_ok() || name.starts_with("aria-")
}

/// Attributes that an animation may change: those of the list that are no name for anything.
pub(super) fn is_animatable(name: &str) -> bool {
    is_attribute(name) && !["id", "class", "attributeType", "type"].contains(&name)
}

/// Attributes that neither CSS nor anything else reads functions in.
pub(super) fn is_plain_text(name: &str) -> bool {
    ["id", "class", "d", "points", "role", "lang", "systemLanguage"].contains(&name) || name.starts_with("aria-")
}

/// Elements whose `href` names what they draw or how.
pub(super) fn may_reference(name: &str) -> bool {
    [
        "animate",
        "animateMotion",
        "animateTransform",
        "feImage",
        "filter",
        "image",
        "linearGradient",
        "mpath",
        "pattern",
        "radialGradient",
        "set",
        "textPath",
        "tref",
        "use",
    ]
    .contains(&name)
}

/// Elements whose `href` may be a picture.
pub(super) fn may_show_image(name: &str) -> bool {
    name == "image" || name == "feImage"
}

/// Elements whose text is shown or read out. Elsewhere text is only the layout of the source.
pub(super) fn has_text(name: &str) -> bool {
    ["text", "title", "desc"].contains(&name)
}

const ELEMENTS: &[&str] = &[
    "a",
    "animate",
    "animateMotion",
    "animateTransform",
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "feBlend",
    "feColorMatrix",
    "feComponentTransfer",
    "feComposite",
    "feConvolveMatrix",
    "feDiffuseLighting",
    "feDisplacementMap",
    "feDistantLight",
    "feDropShadow",
    "feFlood",
    "feFuncA",
    "feFuncB",
    "feFuncG",
    "feFuncR",
    "feGaussianBlur",
    "feImage",
    "feMerge",
    "feMergeNode",
    "feMorphology",
    "feOffset",
    "fePointLight",
    "feSpecularLighting",
    "feSpotLight",
    "feTile",
    "feTurbulence",
    "filter",
    "g",
    "image",
    "line",
    "linearGradient",
    "marker",
    "mask",
    "mpath",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "set",
    "stop",
    "svg",
    "switch",
    "symbol",
    "text",
    "textPath",
    "title",
    "tref",
    "tspan",
    "use",
    "view",
];

const ATTRIBUTES: &[&str] = &[
    "accumulate",
    "additive",
    "alignment-baseline",
    "amplitude",
    "attributeType",
    "azimuth",
    "baseFrequency",
    "baseProfile",
    "baseline-shift",
    "begin",
    "bias",
    "by",
    "calcMode",
    "class",
    "clip",
    "clip-path",
    "clip-rule",
    "clipPathUnits",
    "color",
    "color-interpolation",
    "color-interpolation-filters",
    "color-rendering",
    "cx",
    "cy",
    "d",
    "diffuseConstant",
    "direction",
    "display",
    "divisor",
    "dominant-baseline",
    "dur",
    "dx",
    "dy",
    "edgeMode",
    "elevation",
    "enable-background",
    "end",
    "exponent",
    "fill",
    "fill-opacity",
    "fill-rule",
    "filter",
    "filterRes",
    "filterUnits",
    "flood-color",
    "flood-opacity",
    "font",
    "font-family",
    "font-feature-settings",
    "font-kerning",
    "font-size",
    "font-size-adjust",
    "font-stretch",
    "font-style",
    "font-variant",
    "font-variation-settings",
    "font-weight",
    "fr",
    "from",
    "fx",
    "fy",
    "glyph-orientation-horizontal",
    "glyph-orientation-vertical",
    "gradientTransform",
    "gradientUnits",
    "height",
    "id",
    "image-rendering",
    "in",
    "in2",
    "intercept",
    "isolation",
    "k1",
    "k2",
    "k3",
    "k4",
    "kernelMatrix",
    "kernelUnitLength",
    "kerning",
    "keyPoints",
    "keySplines",
    "keyTimes",
    "lang",
    "lengthAdjust",
    "letter-spacing",
    "lighting-color",
    "limitingConeAngle",
    "marker",
    "marker-end",
    "marker-mid",
    "marker-start",
    "markerHeight",
    "markerUnits",
    "markerWidth",
    "mask",
    "mask-type",
    "maskContentUnits",
    "maskUnits",
    "max",
    "media",
    "method",
    "min",
    "mix-blend-mode",
    "mode",
    "numOctaves",
    "offset",
    "opacity",
    "operator",
    "order",
    "orient",
    "origin",
    "overflow",
    "paint-order",
    "path",
    "pathLength",
    "patternContentUnits",
    "patternTransform",
    "patternUnits",
    "pointer-events",
    "points",
    "pointsAtX",
    "pointsAtY",
    "pointsAtZ",
    "preserveAlpha",
    "preserveAspectRatio",
    "primitiveUnits",
    "r",
    "radius",
    "refX",
    "refY",
    "repeatCount",
    "repeatDur",
    "requiredExtensions",
    "requiredFeatures",
    "restart",
    "result",
    "role",
    "rotate",
    "rx",
    "ry",
    "scale",
    "seed",
    "shape-rendering",
    "side",
    "slope",
    "spacing",
    "specularConstant",
    "specularExponent",
    "spreadMethod",
    "startOffset",
    "stdDeviation",
    "stitchTiles",
    "stop-color",
    "stop-opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-opacity",
    "stroke-width",
    "surfaceScale",
    "systemLanguage",
    "tableValues",
    "targetX",
    "targetY",
    "text-anchor",
    "text-decoration",
    "text-rendering",
    "textLength",
    "to",
    "transform",
    "transform-origin",
    "type",
    "unicode-bidi",
    "values",
    "vector-effect",
    "version",
    "viewBox",
    "visibility",
    "white-space",
    "width",
    "word-spacing",
    "writing-mode",
    "x",
    "x1",
    "x2",
    "xChannelSelector",
    "y",
    "y1",
    "y2",
    "yChannelSelector",
    "z",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_hold_nothing_that_runs_or_links() {
        assert!(ELEMENTS.is_sorted() && ATTRIBUTES.is_sorted());
        for name in ELEMENTS {
            assert!(is_element(name), "{name}");
        }
        for name in [
            "script",
            "foreignObject",
            "iframe",
            "handler",
            "style",
            "audio",
            "cursor",
            "Script",
            "discard",
        ] {
            assert!(!is_element(name), "{name}");
        }
        for name in ATTRIBUTES {
            assert!(
                is_attribute(name) && !name.to_ascii_lowercase().starts_with("on"),
                "{name}"
            );
        }
        for name in [
            "href",
            "style",
            "onload",
            "OnLoad",
            "src",
            "target",
            "xmlns",
            "base",
            "cursor",
            "attributeName",
        ] {
            assert!(!is_attribute(name) && !is_animatable(name), "{name}");
        }
        assert!(!is_animatable("id") && is_animatable("fill"));
    }
}
