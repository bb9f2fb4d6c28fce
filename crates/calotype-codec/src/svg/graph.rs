//! How large and how deep a document becomes when its references are followed, before a renderer follows them.
//!
//! A few hundred bytes of patterns in patterns, or of `use` on `use`, ask for billions of elements; a chain of masks a
//! stack that no thread has. Everything is counted from above: inherited paints for every shape below, markers for every
//! point of every path.

use std::collections::HashMap;

use resvg::usvg::roxmltree::{Document, Node, NodeId};

use crate::CodecError;

/// Elements that may come out of following every reference.
const EXPANDED_MAX: u64 = 2_000_000;
/// Elements inside elements and behind references.
const EXPANDED_DEPTH_MAX: u32 = 400;
/// Selectors of style sheets times elements: each is held against each.
const MATCHES_MAX: u64 = 50_000_000;
/// Bytes of text that are set.
const TEXT_BYTES_MAX: u64 = 200_000;

/// Checks a filtered document.
///
/// # Errors
/// [`CodecError::Limit`], [`CodecError::Corrupt`].
pub(super) fn check(text: &str) -> Result<(), CodecError> {
    let document = Document::parse(text).map_err(|_| CodecError::corrupt("its XML is not well-formed"))?;
    let mut graph = Graph::new(&document)?;
    let all = graph.measure(document.root_element(), 0);
    if graph.is_too_deep {
        return Err(CodecError::limit(
            "the nesting of elements and references in the SVG",
            u64::from(EXPANDED_DEPTH_MAX).saturating_add(1),
            u64::from(EXPANDED_DEPTH_MAX),
        ));
    }
    if all.elements > EXPANDED_MAX {
        return Err(CodecError::limit(
            "the number of elements that the SVG draws",
            all.elements,
            EXPANDED_MAX,
        ));
    }
    Ok(())
}

#[derive(Debug, Clone, Copy)]
struct Measure {
    /// Elements, with what is behind references.
    elements: u64,
    /// Points of paths.
    points: u64,
    /// Levels below, and itself.
    levels: u32,
}

/// How often a reference is followed.
#[derive(Debug, Clone, Copy)]
enum Often {
    /// By the element itself.
    Once,
    /// By every shape in it: paints are inherited.
    PerShape,
    /// At every point of every shape in it: markers are inherited.
    PerPoint,
}

struct Graph<'d> {
    ids: HashMap<&'d str, Node<'d, 'd>>,
    rules: Vec<Rule<'d>>,
    /// `None` while an element is being measured: a cycle ends there.
    measures: HashMap<NodeId, Option<Measure>>,
    is_too_deep: bool,
}

/// A reference in a style sheet.
struct Rule<'d> {
    /// What an element must have to be meant, by the last part of the selector; nothing is known if both are `None`.
    class: Option<&'d str>,
    id: Option<&'d str>,
    reference: (Often, &'d str),
}

impl<'d> Graph<'d> {
    fn new(document: &'d Document<'d>) -> Result<Self, CodecError> {
        let mut ids = HashMap::new();
        let mut rules = Vec::new();
        let (mut elements, mut selectors, mut text) = (0u64, 0u64, 0u64);
        for node in document.descendants() {
            if !node.is_element() {
                let is_style = node
                    .parent_element()
                    .is_some_and(|parent| parent.tag_name().name() == "style");
                let length = if is_style {
                    0
                } else {
                    node.text().unwrap_or_default().len()
                };
                text = text.saturating_add(length as u64);
                continue;
            }
            elements = elements.saturating_add(1);
            if let Some(id) = node.attribute("id") {
                ids.entry(id).or_insert(node);
            }
            if node.tag_name().name() == "style" {
                for text in node.children().filter_map(|child| child.text()) {
                    selectors =
                        selectors.saturating_add(memchr::memchr2_iter(b'{', b',', text.as_bytes()).count() as u64);
                    read_rules(text, &mut rules);
                }
            }
        }
        let matches = elements.saturating_mul(selectors);
        for (what, value, max) in [
            (
                "the number of elements times style rules in the SVG",
                matches,
                MATCHES_MAX,
            ),
            ("the length of the text in the SVG, in bytes,", text, TEXT_BYTES_MAX),
        ] {
            if value > max {
                return Err(CodecError::limit(what, value, max));
            }
        }
        Ok(Self {
            ids,
            rules,
            measures: HashMap::new(),
            is_too_deep: false,
        })
    }

    fn measure(&mut self, node: Node<'d, 'd>, depth: u32) -> Measure {
        let nothing = Measure {
            elements: 0,
            points: 0,
            levels: 0,
        };
        if let Some(known) = self.measures.get(&node.id()) {
            let known = known.unwrap_or(nothing);
            self.is_too_deep |= depth.saturating_add(known.levels) > EXPANDED_DEPTH_MAX;
            return known;
        }
        if depth >= EXPANDED_DEPTH_MAX {
            self.is_too_deep = true;
            return nothing;
        }
        self.measures.insert(node.id(), None);
        let deeper = depth.saturating_add(1);
        let mut all = Measure {
            elements: 1,
            points: points(node),
            levels: 1,
        };
        for child in node.children().filter(Node::is_element) {
            let measure = self.measure(child, deeper);
            all.elements = all.elements.saturating_add(measure.elements);
            all.points = all.points.saturating_add(measure.points);
            all.levels = all.levels.max(measure.levels.saturating_add(1));
        }
        let shapes = all;
        for (often, id) in self.references(node) {
            let Some(&target) = self.ids.get(id) else { continue };
            let measure = self.measure(target, deeper);
            let times = match often {
                Often::Once => 1,
                Often::PerShape => shapes.elements,
                Often::PerPoint => shapes.points,
            };
            all.elements = all.elements.saturating_add(measure.elements.saturating_mul(times));
            all.points = all.points.saturating_add(measure.points.saturating_mul(times));
            all.levels = all.levels.max(measure.levels.saturating_add(1));
        }
        // Definitions are drawn where they are used, but a renderer reads them once where they stand too.
        self.measures.insert(node.id(), Some(all));
        all
    }

    fn references(&self, node: Node<'d, 'd>) -> Vec<(Often, &'d str)> {
        let mut references = Vec::new();
        for attribute in node.attributes() {
            let value: &'d str = attribute.value();
            if attribute.name() == "href" {
                references.extend(value.strip_prefix('#').map(|id| (Often::Once, id)));
            } else if value.contains("url(#") {
                let declarations = if attribute.name() == "style" {
                    value.split(';').filter_map(|part| part.split_once(':')).collect()
                } else {
                    vec![(attribute.name(), value)]
                };
                for (property, value) in declarations {
                    references.extend(targets(value).map(|id| (often(property), id)));
                }
            }
        }
        let class = node.attribute("class").unwrap_or_default();
        let matching = self.rules.iter().filter(|rule| {
            rule.class
                .is_none_or(|wanted| class.split_ascii_whitespace().any(|class| class == wanted))
                && rule.id.is_none_or(|wanted| node.attribute("id") == Some(wanted))
        });
        references.extend(matching.map(|rule| rule.reference));
        references
    }
}

fn often(property: &str) -> Often {
    match property.trim() {
        "fill" | "stroke" => Often::PerShape,
        name if name.starts_with("marker") => Often::PerPoint,
        _ => Often::Once,
    }
}

/// The targets of `url(#…)`, as the filter writes them.
fn targets(value: &str) -> impl Iterator<Item = &str> {
    value
        .split("url(")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(|target| target.trim_matches('"'))
        .filter_map(|target| target.strip_prefix('#'))
}

/// Finds the references of a style sheet that the filter has written, and whom they are for.
fn read_rules<'d>(sheet: &'d str, rules: &mut Vec<Rule<'d>>) {
    for block in sheet.split('}') {
        // In `@media x{a{…` the innermost counts.
        let Some((before, declarations)) = block.rsplit_once('{') else {
            continue;
        };
        let selectors = before.rsplit('{').next().unwrap_or_default();
        for (property, value) in declarations.split(';').filter_map(|part| part.split_once(':')) {
            for id in targets(value) {
                for selector in selectors.split(',') {
                    let last = selector.trim().rsplit([' ', '>', '+', '~']).next().unwrap_or_default();
                    rules.push(Rule {
                        class: simple(last, '.'),
                        id: simple(last, '#'),
                        reference: (often(property), id),
                    });
                }
            }
        }
    }
}

/// The name behind the first `mark` of a compound selector that holds nothing but names.
fn simple(selector: &str, mark: char) -> Option<&str> {
    if selector.contains(['[', ':', '(', '"', '\'']) {
        return None;
    }
    let name = selector.split_once(mark)?.1.split(['.', '#']).next()?;
    (!name.is_empty()).then_some(name)
}

/// Points of a path or a polygon, from above: its numbers and commands.
fn points(node: Node<'_, '_>) -> u64 {
    let data = node.attribute("d").or_else(|| node.attribute("points"));
    let Some(data) = data else {
        return u64::from(node.tag_name().name() == "line") * 2;
    };
    let starts_number =
        |pair: &[u8]| !pair.first().is_some_and(u8::is_ascii_digit) && pair.get(1).is_some_and(u8::is_ascii_digit);
    let numbers = data.as_bytes().windows(2).filter(|pair| starts_number(pair)).count();
    let commands = data.bytes().filter(u8::is_ascii_alphabetic).count();
    (numbers as u64).saturating_add(commands as u64).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(content: &str) -> String {
        format!("<svg xmlns='http://www.w3.org/2000/svg'>{content}</svg>")
    }

    /// Ten levels, each of which shows the next one ten times.
    fn tenfold(element: &str, show: impl Fn(u32) -> String) -> String {
        let levels =
            (0..10).map(|level| format!("<{element} id='e{level}'>{}</{element}>", show(level + 1).repeat(10)));
        document(&format!("{}{}", levels.collect::<String>(), show(0)))
    }

    #[test]
    fn what_multiplies_is_refused_whatever_multiplies_it() {
        for bomb in [
            tenfold("g", |next| format!("<use href='#e{next}'/>")),
            tenfold("pattern", |next| format!("<rect fill='url(#e{next})'/>")),
            tenfold("mask", |next| format!("<rect style='opacity:1;mask:url(#e{next})'/>")),
            tenfold("marker", |next| {
                format!("<path d='M0 0L1 1L2 2' marker-mid='url(#e{next})'/>")
            }),
            tenfold("pattern", |next| {
                format!("<rect class='a c{next}'/><style>rect.c{next},b{{fill:url(#e{next})}}</style>")
            }),
            tenfold("pattern", |next| {
                format!("<rect id='r{next}'/><style>@media x{{#r{next}{{fill:url(#e{next})}}}}</style>")
            }),
        ] {
            assert!(
                matches!(check(&bomb), Err(CodecError::Limit { .. })),
                "{}",
                bomb.get(..300).unwrap()
            );
        }
        // An inherited marker, at each of many points, of many elements.
        let marker = format!("<marker id='m'>{}</marker>", "<rect/>".repeat(2000));
        let path = format!("<path d='M0 0{}'/>", "L1 1".repeat(2000));
        assert!(check(&document(&format!("{marker}<g marker-mid='url(#m)'>{path}</g>"))).is_err());
        assert!(check(&document(&format!("{marker}<g>{path}</g>"))).is_ok());
    }

    #[test]
    fn rules_against_elements_and_text_are_bounded() {
        let rules = format!("<style>{}</style>", "a{fill:red}".repeat(10_000));
        assert!(check(&document(&rules)).is_ok());
        assert!(check(&document(&format!("{rules}{}", "<a/>".repeat(10_000)))).is_err());
        assert!(check(&document(&format!("<text>{}</text>", "x".repeat(200_001)))).is_err());
    }

    #[test]
    fn long_chains_are_refused_and_cycles_end() {
        let chain = |length: u32| {
            let links = (0..length).map(|n| format!("<clipPath id='c{n}' clip-path='url(#c{})'/>", n + 1));
            document(&format!("{}<rect clip-path='url(#c0)'/>", links.collect::<String>()))
        };
        // Definitions stand beside each other, so that only references nest.
        assert!(check(&chain(300)).is_ok());
        assert!(matches!(check(&chain(1000)), Err(CodecError::Limit { .. })));
        // The last link first: each one is known when the one before asks for it.
        let links = (1..1000).map(|n| format!("<mask id='c{n}'><g mask='url(#c{})'/></mask>", n - 1));
        assert!(check(&document(&links.collect::<String>())).is_err());
        for cycle in [
            "<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>",
            "<pattern id='a'><rect fill='url(#a)'/></pattern>",
            "<style>*{fill:url(#a)}</style><pattern id='a'><rect/></pattern><rect/>",
        ] {
            assert_eq!(check(&document(cycle)), Ok(()), "{cycle}");
        }
    }
}
