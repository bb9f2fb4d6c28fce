//! What the origin's status means (spec 11.6).

use calotype_plan::{Fault, FaultKind};
use http::StatusCode;

/// What to do with an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Read the body.
    Take,
    /// The stored copy is still good.
    Unchanged,
    /// Look at `Location`.
    Follow,
    /// Give up.
    Refuse(Fault),
}

/// Judges a status; a 304 is an answer only to a conditional request.
pub(crate) fn judge(status: StatusCode, conditional: bool) -> Verdict {
    let fault = match status.as_u16() {
        200 => return Verdict::Take,
        304 if conditional => return Verdict::Unchanged,
        301 | 302 | 303 | 307 | 308 => return Verdict::Follow,
        404 => Fault::new(
            FaultKind::SourceNotFound,
            "the origin says that the source does not exist (404)",
        ),
        400 => Fault::new(
            FaultKind::OriginBadRequest,
            "the origin refused the request for the source as malformed (400)",
        ),
        code @ 400..=499 => Fault::new(
            FaultKind::OriginRefused(code),
            format!("the origin refused the source ({code})"),
        ),
        code @ 500..=599 => Fault::new(FaultKind::OriginFailed, format!("the origin failed to answer ({code})")),
        code => Fault::new(
            FaultKind::OriginUnexpected,
            format!("the origin answered the request for the source with status {code}; 200 is needed"),
        ),
    };
    Verdict::Refuse(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_has_its_code_and_status() {
        // (origin's status, our code, our status)
        for (origin, code, status) in [
            (404, 9404, 404),
            (400, 9519, 502),
            (401, 9408, 401),
            (403, 9408, 403),
            (408, 9408, 408),
            (410, 9408, 410),
            (429, 9408, 429),
            (451, 9408, 451),
            (499, 9408, 499),
            (500, 9509, 502),
            (502, 9509, 502),
            (503, 9509, 502),
            (599, 9509, 502),
            (101, 9505, 502),
            (201, 9505, 502),
            (202, 9505, 502),
            (203, 9505, 502),
            (204, 9505, 502),
            (206, 9505, 502),
            (300, 9505, 502),
            (304, 9505, 502),
            (305, 9505, 502),
            (306, 9505, 502),
            (399, 9505, 502),
            (600, 9505, 502),
            (999, 9505, 502),
        ] {
            match judge(StatusCode::from_u16(origin).expect("a status"), false) {
                Verdict::Refuse(fault) => assert_eq!((fault.code(), fault.status()), (code, status), "{origin}"),
                other => panic!("{origin}: {other:?}"),
            }
        }
    }

    #[test]
    fn success_redirects_and_an_expected_304_go_on() {
        let judge = |code, conditional| judge(StatusCode::from_u16(code).expect("a status"), conditional);
        assert_eq!(judge(200, false), Verdict::Take);
        assert_eq!(judge(200, true), Verdict::Take);
        assert_eq!(judge(304, true), Verdict::Unchanged);
        for code in [301, 302, 303, 307, 308] {
            assert_eq!(judge(code, false), Verdict::Follow);
        }
    }
}
