//! Style sheets and property values: what is known to be harmless is written anew, everything else is left out.
//!
//! Nothing of the source is copied without being understood: comments go, escapes (which can hide any word) take their
//! declaration or rule with them, and a function is kept only if it is on the list. So a browser that reads the result
//! finds the same tokens as we did, and none that fetches anything.

/// Functions that only compute: colours, shapes, transforms, filters, gradients, arithmetic, and selectors.
const FUNCTIONS: &[&str] = &[
    // Values
    "rgb",
    "rgba",
    "hsl",
    "hsla",
    "hwb",
    "lab",
    "lch",
    "oklab",
    "oklch",
    "color",
    "color-mix",
    "light-dark",
    "device-cmyk",
    "calc",
    "min",
    "max",
    "clamp",
    "var",
    "env",
    "matrix",
    "matrix3d",
    "translate",
    "translatex",
    "translatey",
    "translatez",
    "translate3d",
    "scale",
    "scalex",
    "scaley",
    "scalez",
    "scale3d",
    "rotate",
    "rotatex",
    "rotatey",
    "rotatez",
    "rotate3d",
    "skew",
    "skewx",
    "skewy",
    "perspective",
    "blur",
    "brightness",
    "contrast",
    "drop-shadow",
    "grayscale",
    "hue-rotate",
    "invert",
    "opacity",
    "saturate",
    "sepia",
    "cubic-bezier",
    "steps",
    "linear",
    "linear-gradient",
    "radial-gradient",
    "conic-gradient",
    "repeating-linear-gradient",
    "repeating-radial-gradient",
    "polygon",
    "circle",
    "ellipse",
    "inset",
    "rect",
    "path",
    "ray",
    "local",
    "format",
    "tech",
    "icc-color",
    "counter",
    // Selectors and conditions
    "not",
    "is",
    "where",
    "has",
    "nth-child",
    "nth-last-child",
    "nth-of-type",
    "nth-last-of-type",
    "lang",
    "dir",
    "and",
    "or",
    "selector",
];

/// Blocks inside blocks: `@media` inside `@supports` is 2.
const DEPTH_MAX: u32 = 8;

/// What a `url()` is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UrlUse {
    /// In a declaration of a style rule, or in an attribute.
    Value,
    /// In `@font-face`.
    Font,
}

/// Decides on the target of a `url()`: its replacement, or `None` to drop the declaration.
pub(super) type Urls<'u> = &'u mut dyn FnMut(&str, UrlUse) -> Option<String>;

/// A presentation attribute or an animated value. `None` if it has to go.
pub(super) fn value(text: &str, urls: Urls<'_>) -> Option<String> {
    let mut scanner = Scanner::new(text, urls);
    let (value, _) = scanner.piece("", UrlUse::Value);
    value
}

/// The content of a `style` attribute.
pub(super) fn declarations(text: &str, urls: Urls<'_>) -> String {
    let mut out = String::new();
    Scanner::new(text, urls).declarations(false, UrlUse::Value, &mut out);
    out
}

/// The content of a `<style>` element.
pub(super) fn sheet(text: &str, urls: Urls<'_>) -> String {
    let mut out = String::new();
    Scanner::new(text, urls).rules(0, &mut out);
    out
}

struct Scanner<'a, 'u> {
    rest: &'a str,
    urls: Urls<'u>,
}

impl<'a, 'u> Scanner<'a, 'u> {
    fn new(text: &'a str, urls: Urls<'u>) -> Self {
        Self { rest: text, urls }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn skip_space(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let marks = ["<!--", "-->"];
            if let Some(comment) = self.rest.strip_prefix("/*") {
                self.rest = comment.split_once("*/").map_or("", |(_, after)| after);
            } else if let Some(after) = marks.iter().find_map(|mark| self.rest.strip_prefix(mark)) {
                self.rest = after;
            } else {
                return;
            }
        }
    }

    /// Rules up to the end or to the `}` of the block that they stand in.
    fn rules(&mut self, depth: u32, out: &mut String) {
        loop {
            self.skip_space();
            if self.rest.is_empty() {
                return;
            }
            if depth > 0 && self.rest.starts_with('}') {
                self.skip(1);
                return;
            }
            let name = self.at_keyword();
            let (prelude, stop) = self.piece("{};", UrlUse::Value);
            if stop != Some('{') {
                // `@import`, `@namespace`, `@charset`, and remains of what is broken.
                if stop == Some('}') && depth > 0 {
                    return;
                }
                continue;
            }
            let has_rules = matches!(
                name.as_deref(),
                Some("media" | "supports" | "keyframes" | "-webkit-keyframes" | "layer")
            );
            let has_declarations = matches!(name.as_deref(), None | Some("font-face"));
            let Some(prelude) = prelude.filter(|_| (has_rules || has_declarations) && depth < DEPTH_MAX) else {
                self.skip_block();
                continue;
            };
            let start = out.len();
            if let Some(name) = &name {
                out.push('@');
                out.push_str(name);
                out.push(' ');
            }
            out.push_str(prelude.trim());
            out.push('{');
            let inner = out.len();
            if has_rules {
                self.rules(depth.saturating_add(1), out);
            } else {
                let use_of_urls = if name.is_some() { UrlUse::Font } else { UrlUse::Value };
                self.declarations(true, use_of_urls, out);
            }
            if out.len() == inner {
                out.truncate(start);
            } else {
                out.push('}');
            }
        }
    }

    /// The lower-case name of an at-rule, if one begins here.
    fn at_keyword(&mut self) -> Option<String> {
        let rest = self.rest.strip_prefix('@')?;
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default().to_ascii_lowercase();
        self.rest = rest.get(end..).unwrap_or_default();
        Some(name)
    }

    /// Declarations up to the end, or to the `}` of their block.
    fn declarations(&mut self, in_block: bool, urls: UrlUse, out: &mut String) {
        let mut is_first = true;
        loop {
            self.skip_space();
            if self.rest.is_empty() {
                return;
            }
            let (piece, stop) = self.piece("{};", urls);
            if stop == Some('{') {
                // A nested rule, or rubbish: neither is kept.
                self.skip_block();
            } else if let Some(declaration) = piece.as_deref().and_then(declaration) {
                if !is_first {
                    out.push(';');
                }
                is_first = false;
                out.push_str(&declaration);
            }
            if stop == Some('}') && in_block {
                return;
            }
        }
    }

    /// Passes over a block whose `{` has been read, strings and comments in it understood.
    fn skip_block(&mut self) {
        let mut depth = 1u32;
        while depth > 0 {
            match self.piece_without_urls("{}") {
                Some('{') => depth = depth.saturating_add(1),
                Some(_) => depth = depth.saturating_sub(1),
                None => return,
            }
        }
    }

    fn piece_without_urls(&mut self, stops: &str) -> Option<char> {
        let mut none = |_: &str, _: UrlUse| None;
        let mut scanner = Scanner::new(self.rest, &mut none);
        let (_, stop) = scanner.piece(stops, UrlUse::Value);
        self.rest = scanner.rest;
        stop
    }

    /// Reads tokens until one of `stops` outside of strings, comments and parentheses, which is read too. Gives what is
    /// kept of them, `None` if the whole piece has to go, and the stop, `None` at the end of the text.
    fn piece(&mut self, stops: &str, use_of_urls: UrlUse) -> (Option<String>, Option<char>) {
        let mut out = String::new();
        let (mut is_good, mut depth) = (true, 0u32);
        while let Some(c) = self.rest.chars().next() {
            if depth == 0 && stops.contains(c) {
                self.skip(1);
                return (is_good.then_some(out), Some(c));
            }
            match c {
                '/' if self.rest.starts_with("/*") => {
                    let comment = self.rest.get(2..).unwrap_or_default();
                    self.rest = match comment.split_once("*/") {
                        Some((_, after)) => after,
                        None => {
                            is_good = false;
                            ""
                        }
                    };
                    out.push(' ');
                    continue;
                }
                '"' | '\'' => {
                    let inner = self.rest.get(1..).unwrap_or_default();
                    let end = inner.find([c, '\n', '\r', '\u{c}', '\\']);
                    match end.and_then(|end| inner.get(..end).zip(inner.get(end..))) {
                        Some((string, after)) if after.starts_with(c) => {
                            out.push(c);
                            out.push_str(string);
                            out.push(c);
                            self.rest = after.get(1..).unwrap_or_default();
                        }
                        Some((_, after)) => {
                            is_good = false;
                            let width = after.chars().next().map_or(1, char::len_utf8);
                            self.rest = after.get(width..).unwrap_or_default();
                        }
                        None => {
                            is_good = false;
                            self.rest = "";
                        }
                    }
                    continue;
                }
                '(' => {
                    let name = trailing_name(&out);
                    if name.eq_ignore_ascii_case("url") {
                        let target = self.url();
                        match target.and_then(|target| (self.urls)(&target, use_of_urls)) {
                            Some(target) => {
                                let needs_quotes = !target.starts_with('#') || target.contains(char::is_whitespace);
                                out.push_str(if needs_quotes { "(\"" } else { "(" });
                                out.push_str(&target);
                                out.push_str(if needs_quotes { "\")" } else { ")" });
                            }
                            None => is_good = false,
                        }
                        continue;
                    }
                    let is_known = name.is_empty() || FUNCTIONS.iter().any(|known| name.eq_ignore_ascii_case(known));
                    // No function with a space before it, but some reader might think so.
                    is_good &= is_known && !trailing_name(out.trim_end()).eq_ignore_ascii_case("url");
                    depth = depth.saturating_add(1);
                    out.push(c);
                }
                ')' => {
                    is_good &= depth > 0;
                    depth = depth.saturating_sub(1);
                    out.push(c);
                }
                '\\' | '@' | '<' | '{' | '}' => is_good = false,
                _ if c.is_control() && !c.is_whitespace() => is_good = false,
                _ if c.is_whitespace() => {
                    if !out.ends_with(' ') {
                        out.push(' ');
                    }
                }
                _ => out.push(c),
            }
            self.skip(c.len_utf8());
        }
        (is_good.then_some(out).filter(|_| depth == 0), None)
    }

    /// The target of a `url(`, whose `(` is next, quoted or not; the `)` is read too. `None` if it is not plain.
    fn url(&mut self) -> Option<String> {
        let inner = self.rest.get(1..)?;
        let trimmed = inner.trim_start();
        let (target, after) = match trimmed.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let (target, after) = trimmed.get(1..)?.split_once(quote).unwrap_or((trimmed, ""));
                (target, after.trim_start().strip_prefix(')'))
            }
            _ => match trimmed.split_once(')') {
                Some((target, after)) => (target.trim_end(), Some(after)),
                None => (trimmed, None),
            },
        };
        let Some(after) = after else {
            // No end, or something between the string and the end: the rest of the text is not ours to guess.
            self.rest = inner.split_once(')').map_or("", |(_, after)| after);
            return None;
        };
        self.rest = after;
        let is_plain = !target.contains(['"', '\'', '(', ')', '\\', '<', '>']) && !target.contains(char::is_control);
        (is_plain || target.starts_with("data:")).then(|| target.to_owned())
    }
}

/// A declaration, if the piece is one: `property: value`.
fn declaration(piece: &str) -> Option<String> {
    let (property, value) = piece.trim().split_once(':')?;
    let (property, value) = (property.trim(), value.trim());
    let is_known = !property.is_empty()
        && property
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && !["behavior", "-moz-binding"].contains(&property.to_ascii_lowercase().as_str());
    (is_known && !value.is_empty()).then(|| format!("{property}:{value}"))
}

/// The name that ends a text, which a `(` right behind it makes a function.
fn trailing_name(text: &str) -> &str {
    let start = text.char_indices().rev().take_while(|&(_, c)| is_name(c)).last();
    start.and_then(|(start, _)| text.get(start..)).unwrap_or_default()
}

/// Whether a character may stand in a name (CSS Syntax 3).
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(run: impl FnOnce(Urls<'_>) -> String) -> String {
        run(&mut |url, use_of_url| match use_of_url {
            UrlUse::Value => url.starts_with('#').then(|| url.to_owned()),
            UrlUse::Font => url.starts_with("data:font").then(|| url.to_owned()),
        })
    }

    #[test]
    fn what_only_draws_stays() {
        for (source, want) in [
            ("fill:red", "fill:red"),
            (
                "fill: url(#a) red ; stroke:URL( '#b' )",
                "fill:url(#a) red;stroke:URL(#b)",
            ),
            (
                "a:rgb(1, 2,3);transform:translate(1px) rotate(calc(2 * 3deg))",
                "a:rgb(1, 2,3);transform:translate(1px) rotate(calc(2 * 3deg))",
            ),
            ("/* c */ fill /* d */ : /* ; */ red", "fill:red"),
            (
                "font-family:'A ; B', \"C\" !important",
                "font-family:'A ; B', \"C\" !important",
            ),
            ("--x: 3; opacity: var(--x)", "--x:3;opacity:var(--x)"),
        ] {
            assert_eq!(with(|urls| declarations(source, urls)), want, "{source}");
        }
        for (source, want) in [
            ("a{fill:red}b,c>d{}", "a{fill:red}"),
            ("<!-- .a:not(.b)[x='y']{fill:red} -->", ".a:not(.b)[x='y']{fill:red}"),
            (
                "@media (max-width: 3px) and print{a{fill:red}}",
                "@media (max-width: 3px) and print{a{fill:red}}",
            ),
            (
                "@keyframes k{from{opacity:0}to{opacity:1}}",
                "@keyframes k{from{opacity:0}to{opacity:1}}",
            ),
            (
                "@font-face{font-family:F;src:url(data:font/woff2;base64,AA) format('woff2')}",
                "@font-face {font-family:F;src:url(\"data:font/woff2;base64,AA\") format('woff2')}",
            ),
        ] {
            assert_eq!(with(|urls| sheet(source, urls)), want, "{source}");
        }
    }

    #[test]
    fn what_fetches_or_hides_goes_and_takes_its_declaration_with_it() {
        for source in [
            "fill:url(http://x/)",
            "fill:url(//x)",
            "fill:url (//x)",
            "fill:url/**/(//x)",
            "fill:u\\72l(http://x)",
            "fill:\\75rl(http://x)",
            "fill:url(ht\ntp://x",
            "fill:url('http://x'",
            "fill:url(\"#a\" x)",
            "background:image-set('http://x' 1x)",
            "background:-webkit-image-set(url(http://x) 1x)",
            "background:src('http://x')",
            "background:image('http://x')",
            "background:cross-fade(url(#a), url(http://x))",
            "background:element(#a)",
            "background:ürl(http://x)",
            "width:expression(alert(1))",
            "-moz-binding:url(#a)",
            "behavior:url(#a)",
            "fill:red)",
            "fill:(red",
            "fill:'red",
            "fill:red/*",
            "fill:@import 'x'",
            "fill:</style>",
        ] {
            assert_eq!(with(|urls| declarations(source, urls)), "", "{source}");
        }
        // What follows is unharmed, unless a string or a parenthesis swallows it.
        assert_eq!(
            with(|urls| declarations("fill:url(http://x);stroke:red", urls)),
            "stroke:red"
        );
        assert_eq!(with(|urls| declarations("fill:a\\;stroke:red", urls)), "stroke:red");
        for (source, want) in [
            ("@import 'http://x';a{fill:red}", "a{fill:red}"),
            ("@import url(http://x);a{fill:red}", "a{fill:red}"),
            ("@IMPORT/**/'x' screen;a{fill:red}", "a{fill:red}"),
            ("@\\69mport 'x';a{fill:red}", "a{fill:red}"),
            ("@namespace x url(http://x);a{fill:red}", "a{fill:red}"),
            ("@document url(http://x){a{fill:red}}b{fill:red}", "b{fill:red}"),
            (
                "@font-face{font-family:F;src:url(http://x)}",
                "@font-face {font-family:F}",
            ),
            ("a{fill:red;b{fill:url(http://x)}}c{fill:red}", "a{fill:red}c{fill:red}"),
            ("a\\{b{fill:red}}c{fill:red}", "c{fill:red}"),
            ("a{}}b{fill:red}", "b{fill:red}"),
            (
                "@media x{@media x{@media x{@media x{@media x{@media x{@media x{@media x{@media x{a{fill:red}}}}}}}}}}",
                "",
            ),
        ] {
            assert_eq!(with(|urls| sheet(source, urls)), want, "{source}");
        }
    }

    #[test]
    fn an_attribute_value_may_hold_a_list() {
        let keep = |text: &str| value(text, &mut |url, _| url.starts_with('#').then(|| url.to_owned()));
        assert_eq!(keep("url(#a);url(#b)").as_deref(), Some("url(#a);url(#b)"));
        assert_eq!(keep("url(#a);url(x)"), None);
        assert_eq!(keep("rotate(45 1,2)").as_deref(), Some("rotate(45 1,2)"));
        assert_eq!(keep("\\75rl(x)"), None);
    }
}
