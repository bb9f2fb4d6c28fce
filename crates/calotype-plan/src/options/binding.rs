//! The binding's flat operation list → one plan (binding spec, sections 2 and 3).

use serde_json::Value;

use super::draw::{Placement, read_whole_text};
use super::output::OutputFields;
use super::reader::Reader;
use super::tree;
use super::{Door, Options};
use crate::op::{Background, DrawSource, Op, Plan, Text};
use crate::{Color, Fault, Limits, Warning};

/// A binding call as its form gives it. Layer 0 is the canvas, the others are the `draw_*` parts in order of appearance.
#[derive(Debug, Clone)]
pub struct BindingForm<'a> {
    /// The canvas and the drawn layers, images and texts in one order.
    pub layers: Vec<BindingLayer<'a>>,
    /// The JSON of the `transforms` part.
    pub transforms: &'a str,
    /// The output parts.
    pub output: OutputFields<'a>,
}

/// One layer of a binding call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingLayer<'a> {
    /// An `image` or `draw_image` part; the bytes stay with the caller.
    Image,
    /// A `text_input` or `draw_text` part: its JSON.
    Text(&'a str),
}

/// The plan of a binding call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingPlan {
    /// What to do; overlays that came as parts are [`DrawSource::Part`] with their layer's number. It is done to the `image` part, unless the plan
    /// [starts from a text](Plan::canvas).
    pub plan: Plan,
    /// Remarks from reading the options.
    pub warnings: Vec<Warning>,
}

/// A layer while the list is read.
struct Layer {
    source: Option<DrawSource>,
    ops: Vec<Op>,
    drawn: bool,
}

impl BindingForm<'_> {
    /// Reads the form. Every refusal is 9432, but for limits that have codes of their own.
    pub fn parse(&self, limits: &Limits) -> Result<BindingPlan, Fault> {
        self.read(limits).map_err(Fault::for_binding)
    }

    fn read(&self, limits: &Limits) -> Result<BindingPlan, Fault> {
        let output = self.output.output()?;
        let background = match self.output.background {
            None => None,
            Some(text) => {
                Some(Color::parse(text).ok_or_else(|| Fault::invalid("invalid background; use a CSS colour"))?)
            }
        };
        if self.transforms.len() > limits.options_bytes_max.saturating_mul(4) {
            return Err(Fault::invalid("the list of transforms is too long"));
        }
        let list: Vec<Value> = serde_json::from_str(self.transforms)
            .map_err(|error| Fault::invalid("transforms must be a JSON array").with_detail(error.to_string()))?;
        if list.len() > limits.binding_operations_max {
            return Err(Fault::invalid(format!(
                "at most {} operations are done in one call",
                limits.binding_operations_max
            )));
        }
        if self.layers.is_empty() || self.layers.len() > limits.draws_max + 1 {
            return Err(Fault::invalid(format!(
                "at most {} layers are drawn in one call",
                limits.draws_max
            )));
        }

        let mut warnings = Vec::new();
        let mut layers = Vec::with_capacity(self.layers.len());
        let mut canvas = None;
        for (index, layer) in self.layers.iter().enumerate() {
            let text = match layer {
                BindingLayer::Image => None,
                BindingLayer::Text(json) => Some(read_text_layer(json, limits)?),
            };
            let source = match (index, text) {
                (0, None) => None,
                (0, Some(text)) => {
                    canvas = Some(text);
                    None
                }
                (_, Some(text)) => Some(DrawSource::Text(text)),
                (_, None) => Some(DrawSource::Part(u32::try_from(index).unwrap_or(u32::MAX))),
            };
            layers.push(Layer {
                source,
                ops: Vec::new(),
                drawn: false,
            });
        }

        for item in &list {
            let Value::Object(members) = item else {
                return Err(Fault::invalid("each transform must be an object"));
            };
            let index_of = |name: &str| index(members.get(name), name, layers.len());
            if let Some(drawn) = index_of("drawImageIndex")? {
                let target = index_of("targetImageIndex")?
                    .ok_or_else(|| Fault::invalid("an operation with drawImageIndex needs targetImageIndex"))?;
                draw_layer(&mut layers, drawn, target, item, limits)?;
            } else if let Some(target) = index_of("imageIndex")? {
                let mut options = item.clone();
                if let Value::Object(members) = &mut options {
                    // Layers are drawn by operations of their own here, never by URL.
                    members.remove("draw");
                }
                let ops = Options::parse_object(&options, Door::Binding, limits)?.pass_ops(&mut warnings);
                open_layer(&mut layers, target)?.ops.extend(ops);
            } else {
                return Err(Fault::invalid(
                    "each transform needs imageIndex, or drawImageIndex and targetImageIndex",
                ));
            }
        }
        let mut ops = layers.swap_remove(0).ops;
        ops.extend(background.map(|color| Op::Background(Background(color))));
        Ok(BindingPlan {
            plan: Plan {
                canvas,
                ops,
                output: output.canonical(),
            },
            warnings,
        })
    }
}

/// The layer with this index, unless it was drawn already: what is drawn is finished.
fn open_layer(layers: &mut [Layer], index: usize) -> Result<&mut Layer, Fault> {
    match layers.get_mut(index) {
        Some(layer) if !layer.drawn => Ok(layer),
        Some(_) => Err(Fault::invalid(format!(
            "image {index} was already drawn and cannot be used again"
        ))),
        None => Err(Fault::invalid(format!("there is no image {index}"))),
    }
}

fn draw_layer(layers: &mut [Layer], drawn: usize, target: usize, item: &Value, limits: &Limits) -> Result<(), Fault> {
    if drawn == target {
        return Err(Fault::invalid("an image cannot be drawn onto itself"));
    }
    open_layer(layers, target)?;
    let layer = open_layer(layers, drawn)?;
    let Some(source) = layer.source.clone() else {
        return Err(Fault::invalid("the canvas cannot be drawn onto another image"));
    };
    layer.drawn = true;
    let ops = std::mem::take(&mut layer.ops);
    let mut reader = Reader::new(Door::Binding, limits);
    let mut placement = Placement::default();
    for (name, node) in &tree::from_json(item)?.members {
        if !node.is_empty() {
            placement.read(&mut reader, name, name, node)?;
        }
    }
    placement.check("a draw")?;
    open_layer(layers, target)?.ops.push(placement.op(source, ops));
    Ok(())
}

/// An index of the list; `null` and absent are the same.
fn index(value: Option<&Value>, name: &str, layers: usize) -> Result<Option<usize>, Fault> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
            Some(n) if n < layers => Ok(Some(n)),
            _ => Err(Fault::invalid(format!(
                "{name} must be the number of an image of this call, below {layers}"
            ))),
        },
    }
}

/// `{text, font, size, color}` of a text part.
fn read_text_layer(json: &str, limits: &Limits) -> Result<Text, Fault> {
    if json.len() > limits.options_bytes_max {
        return Err(Fault::invalid("the text part is too long"));
    }
    let value: Value = serde_json::from_str(json)
        .map_err(|error| Fault::invalid("a text part must be JSON").with_detail(error.to_string()))?;
    if !value.is_object() {
        return Err(Fault::invalid(
            "a text part must be a JSON object with text, font, size, color",
        ));
    }
    read_whole_text(&mut Reader::new(Door::Binding, limits), &tree::from_json(&value)?)
}
