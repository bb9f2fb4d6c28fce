//! What must hold of every decoded picture and every finished job.

use std::collections::HashMap;

use calotype_codec::{Budget, CodecError, DecodeRequest, decode, probe, sniff, to_srgb};
use calotype_engine::{Job, NoModels, run};
use calotype_plan::{AcceptedFormats, ClientHints, ImageFormat, Options};
use libfuzzer_sys::Corpus;

use crate::theirs::answered;
use crate::{deadline, small_limits};

/// Decodes one format at every scale that the length of the input picks, and converts the colours. Other formats are not kept in the corpus.
pub fn decode_as(format: ImageFormat, bytes: &[u8]) -> Corpus {
    answered(|| try_decode_as(format, bytes))
}

fn try_decode_as(format: ImageFormat, bytes: &[u8]) -> Corpus {
    if sniff(bytes) != Some(format) {
        return Corpus::Reject;
    }
    let limits = small_limits();
    let Ok(header) = probe(bytes, &limits) else {
        return Corpus::Keep;
    };
    assert_eq!(header.format, format);
    let budget = Budget::new(limits.job_memory_bytes_max);
    let scale = 1 << (bytes.len() % 4);
    let request = DecodeRequest {
        scale,
        ..DecodeRequest::default()
    };
    match decode(bytes, &header, &request, &limits, &budget) {
        Ok(mut decoded) => {
            assert!([1, 2, 4, 8].contains(&decoded.scale));
            let side = |px: u32| px.div_ceil(u32::from(decoded.scale));
            let size = decoded.picture.size();
            assert_eq!(
                (size.width, size.height),
                (side(header.size.width), side(header.size.height))
            );
            let _ = to_srgb(&mut decoded.picture, &decoded.color);
            let _ = (decoded.metadata.copyright(), decoded.metadata.kept());
            // The picture's own bytes are on the account as long as it lives.
            assert!(budget.held() >= decoded.picture.data().len() as u64);
        }
        // Words for the client: a limit, damage, or something that is not decoded here. Never our own failure.
        Err(CodecError::Encode { .. }) => panic!("a decoder spoke of encoding"),
        Err(_) => {}
    }
    assert_eq!(budget.held(), 0, "bytes are still charged after everything was dropped");
    Corpus::Keep
}

/// Runs a whole job: a line of options, then the file. The file is the overlay too, wherever the options name one.
pub fn transform(input: &[u8]) -> Corpus {
    answered(|| try_transform(input))
}

fn try_transform(input: &[u8]) -> Corpus {
    let Some(end) = input.iter().position(|&byte| byte == b'\n') else {
        return Corpus::Reject;
    };
    let (Some(Ok(segment)), Some(source)) = (input.get(..end).map(std::str::from_utf8), input.get(end + 1..)) else {
        return Corpus::Reject;
    };
    let limits = small_limits();
    let Ok(options) = Options::parse_url(segment, &limits) else {
        return Corpus::Reject;
    };
    let plan = options.plan(&ClientHints::default()).plan;
    let overlays: HashMap<String, &[u8]> = plan
        .overlay_urls()
        .iter()
        .map(|&url| (url.to_owned(), source))
        .collect();
    let job = Job {
        plan: &plan,
        source,
        overlays: &overlays,
        // AVIF takes long to write; it is written where `format=avif` is asked for.
        accepted: AcceptedFormats {
            avif: false,
            webp: true,
        },
        limits: &limits,
        vision: &NoModels,
        deadline: deadline(),
        hosted: false,
    };
    match run(&job) {
        Ok(outcome) => {
            assert!(outcome.memory_peak_bytes <= limits.job_memory_bytes_max);
            assert!(!outcome.bytes.is_empty());
            if let (Some(format), false) = (outcome.format.image_format(), outcome.passed_through) {
                assert_eq!(
                    sniff(&outcome.bytes),
                    Some(format),
                    "the bytes are not of the format they are sent as"
                );
                let header = probe(&outcome.bytes, &limits);
                let written = header.map(|header| header.upright_size());
                assert_eq!(
                    written.ok(),
                    outcome.size,
                    "the file has another size than was reported"
                );
            }
        }
        Err(fault) => {
            // A fault of ours on bytes of theirs is a bug.
            assert_ne!(fault.code(), 9523, "an internal error: {fault}");
            assert!(!fault.public_message().is_empty());
        }
    }
    Corpus::Keep
}
