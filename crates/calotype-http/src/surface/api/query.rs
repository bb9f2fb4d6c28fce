//! Query strings: parameters in their order, percent-decoded, `+` being a space.

use percent_encoding::percent_decode_str;

use crate::hosted::Problem;

/// Bytes of a query.
const BYTES_MAX: usize = 16 << 10;

/// The parameters of a raw query.
pub(super) fn parameters(raw: &str) -> Result<Vec<(String, String)>, Problem> {
    if raw.len() > BYTES_MAX {
        return Err(Problem::bad_request(format!(
            "the query is longer than {BYTES_MAX} bytes"
        )));
    }
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| Problem::bad_request("the query is not valid UTF-8 after percent-decoding"))
    };
    raw.split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

/// The value of a parameter that may stand once.
pub(super) fn single<'p>(parameters: &'p [(String, String)], name: &str) -> Result<Option<&'p str>, Problem> {
    let mut values = parameters
        .iter()
        .filter(|(other, _)| other == name)
        .map(|(_, value)| value.as_str());
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Problem::bad_request(format!("{name} is given twice"))),
    }
}
