//! A driver for the weather: it is given an event, asks the weather service, and answers with what
//! it says. `weather.get` is the weather now, `weather.forecast` that of the next days. Whoever
//! listens hears of each weather (`weather.data`), and of a dangerous one (`weather.severe`).

use naos_agent::{Error, context, events, http, limits, log};
use serde::{Deserialize, Serialize};

naos_agent::export!(handle);

/// The document that says which services to ask; without it, those of Open-Meteo.
pub const CONFIG: &str = "Drivers/weather";
/// The most days of a forecast.
const DAYS_MAX: u8 = 16;
/// From this wind on, in kilometres an hour, the weather is dangerous.
const WIND_SEVERE: f64 = 75.0;
/// From this code of the World Meteorological Organization on there are thunderstorms.
const THUNDER: u16 = 95;

/// What the driver is given.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    data: Asked,
}

/// What somebody asks for.
#[derive(Deserialize)]
struct Asked {
    #[serde(alias = "place")]
    location: String,
    days: Option<u8>,
}

/// Which services are asked.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Services {
    places: String,
    forecast: String,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            places: "https://geocoding-api.open-meteo.com".to_owned(),
            forecast: "https://api.open-meteo.com".to_owned(),
        }
    }
}

#[derive(Deserialize)]
struct Places {
    #[serde(default)]
    results: Vec<Place>,
}

#[derive(Deserialize)]
struct Place {
    name: String,
    #[serde(default)]
    country: String,
    latitude: f64,
    longitude: f64,
}

#[derive(Deserialize)]
struct Now {
    current: Current,
}

#[derive(Deserialize)]
struct Current {
    time: String,
    temperature_2m: f64,
    wind_speed_10m: f64,
    weather_code: u16,
}

#[derive(Deserialize)]
struct Ahead {
    daily: Daily,
}

#[derive(Deserialize)]
struct Daily {
    time: Vec<String>,
    weather_code: Vec<u16>,
    temperature_2m_max: Vec<f64>,
    temperature_2m_min: Vec<f64>,
}

/// The weather of a place.
#[derive(Serialize)]
struct Weather<'a> {
    location: &'a str,
    country: &'a str,
    time: String,
    temperature: f64,
    wind: f64,
    conditions: &'static str,
    severe: bool,
}

/// The weather of the next days.
#[derive(Serialize)]
struct Forecast<'a> {
    location: &'a str,
    country: &'a str,
    days: Vec<Day>,
}

#[derive(Serialize)]
struct Day {
    date: String,
    conditions: &'static str,
    high: f64,
    low: f64,
}

/// Answers an event.
///
/// # Errors
/// A sentence for whoever asked: what is missing from the event, what the service said.
pub fn handle(input: &str) -> Result<String, String> {
    limits::input(input)?;
    let event: Event = serde_json::from_str(input).map_err(|why| {
        format!("the event can't be used ({why}): its data is {{\"location\": \"Toamasina\"}}")
    })?;
    let services = services()?;
    let place = find(&services, &event.data.location)?;
    let answer = match event.kind.as_str() {
        "weather.get" => now(&services, &place)?,
        "weather.forecast" => ahead(&services, &place, event.data.days.unwrap_or(3))?,
        other => {
            return Err(format!(
                "I answer weather.get and weather.forecast, not {other}"
            ));
        }
    };
    limits::output(answer)
}

/// What the document says, or what is usual.
fn services() -> Result<Services, String> {
    match context::read(CONFIG) {
        Ok(document) => serde_json::from_str(&document.text)
            .map_err(|why| format!("the document {CONFIG} can't be used: {why}")),
        Err(Error::NotFound) => Ok(Services::default()),
        Err(error) => Err(error.into()),
    }
}

fn find(services: &Services, location: &str) -> Result<Place, String> {
    let wanted = location.trim();
    if wanted.is_empty() {
        return Err("the event names no location".to_owned());
    }
    let url = format!(
        "{}/v1/search?count=1&format=json&name={}",
        services.places,
        escaped(wanted)
    );
    let found: Places = fetch(&url)?;
    let place = found.results.into_iter().next();
    place.ok_or_else(|| format!("nobody knows a place called {wanted}"))
}

fn now(services: &Services, place: &Place) -> Result<String, String> {
    let url = format!(
        "{}/v1/forecast?latitude={}&longitude={}\
         &current=temperature_2m,wind_speed_10m,weather_code",
        services.forecast, place.latitude, place.longitude
    );
    let Now { current } = fetch(&url)?;
    let severe = current.weather_code >= THUNDER || current.wind_speed_10m >= WIND_SEVERE;
    let weather = text(&Weather {
        location: &place.name,
        country: &place.country,
        time: current.time,
        temperature: current.temperature_2m,
        wind: current.wind_speed_10m,
        conditions: conditions(current.weather_code),
        severe,
    })?;
    events::emit("weather.data", &weather)?;
    if severe {
        log::warn(&format!("dangerous weather in {}", place.name));
        events::emit("weather.severe", &weather)?;
    }
    Ok(weather)
}

fn ahead(services: &Services, place: &Place, days: u8) -> Result<String, String> {
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(format!("a forecast is of 1 to {DAYS_MAX} days, not {days}"));
    }
    let url = format!(
        "{}/v1/forecast?latitude={}&longitude={}&forecast_days={days}\
         &daily=weather_code,temperature_2m_max,temperature_2m_min",
        services.forecast, place.latitude, place.longitude
    );
    let Ahead { daily } = fetch(&url)?;
    let figures = daily
        .temperature_2m_max
        .into_iter()
        .zip(daily.temperature_2m_min);
    let days = daily.time.into_iter().zip(daily.weather_code).zip(figures);
    let days = days.map(|((date, code), (high, low))| Day {
        date,
        conditions: conditions(code),
        high,
        low,
    });
    text(&Forecast {
        location: &place.name,
        country: &place.country,
        days: days.collect(),
    })
}

/// What a service answers, as far as it is used.
fn fetch<T: for<'de> Deserialize<'de>>(url: &str) -> Result<T, String> {
    let response = http::get(url)?;
    if response.status != 200 {
        let host = url.split('/').nth(2).unwrap_or_default();
        return Err(format!(
            "{host} answered {}: it is asked again later",
            response.status
        ));
    }
    serde_json::from_slice(&response.body)
        .map_err(|why| format!("the answer of the weather service can't be read: {why}"))
}

fn text(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|why| format!("the answer can't be written: {why}"))
}

/// A text as part of an address.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What a code of the World Meteorological Organization means.
fn conditions(code: u16) -> &'static str {
    match code {
        0 => "clear sky",
        1 | 2 => "partly cloudy",
        3 => "overcast",
        45..=48 => "fog",
        51..=57 => "drizzle",
        61..=67 => "rain",
        71..=77 => "snow",
        80..=82 => "showers",
        85 | 86 => "snow showers",
        THUNDER..=99 => "thunderstorm",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use naos_agent::fake;

    const PLACE: &str = r#"{"results":[{"name":"Toamasina","country":"Madagascar",
        "latitude":-18.15,"longitude":49.4,"elevation":6}]}"#;

    fn answers(given: &[(u16, &str)]) {
        fake::reset();
        for (status, body) in given {
            fake::answer_http(Ok(http::Response {
                status: *status,
                headers: Vec::new(),
                body: body.as_bytes().to_vec(),
            }));
        }
    }

    fn weather(code: u16, wind: f64) -> String {
        format!(
            "{{\"current\":{{\"time\":\"2026-10-09T14:00\",\"temperature_2m\":24.5,\
             \"wind_speed_10m\":{wind},\"weather_code\":{code}}}}}"
        )
    }

    const GET: &str = r#"{"id":"evt_1","type":"weather.get","data":{"location":"Toamasina"}}"#;

    #[test]
    fn the_weather_is_asked_for_and_told() {
        answers(&[(200, PLACE), (200, &weather(61, 12.0))]);
        let said = handle(GET).expect("an answer");
        assert_eq!(
            said,
            "{\"location\":\"Toamasina\",\"country\":\"Madagascar\",\
             \"time\":\"2026-10-09T14:00\",\"temperature\":24.5,\"wind\":12.0,\
             \"conditions\":\"rain\",\"severe\":false}"
        );
        let asked: Vec<String> = fake::requests().into_iter().map(|r| r.url).collect();
        assert!(asked[0].ends_with("name=Toamasina"), "{asked:?}");
        assert!(
            asked[1].contains("latitude=-18.15&longitude=49.4"),
            "{asked:?}"
        );
    }

    #[test]
    fn a_dangerous_weather_is_told_to_whoever_listens() {
        for (code, wind, kinds) in [
            (61, 12.0, &["weather.data"][..]),
            (96, 12.0, &["weather.data", "weather.severe"]),
            (3, 80.0, &["weather.data", "weather.severe"]),
        ] {
            answers(&[(200, PLACE), (200, &weather(code, wind))]);
            handle(GET).expect("an answer");
            let told: Vec<String> = fake::emitted().into_iter().map(|(kind, _)| kind).collect();
            assert_eq!(told, kinds, "{code} {wind}");
        }
    }

    #[test]
    fn a_forecast_has_its_days() {
        let days = r#"{"daily":{"time":["2026-10-10","2026-10-11"],"weather_code":[0,95],
            "temperature_2m_max":[27.0,25.5],"temperature_2m_min":[19.0,18.5]}}"#;
        answers(&[(200, PLACE), (200, days)]);
        let event = r#"{"type":"weather.forecast","data":{"place":"Toamasina","days":2}}"#;
        let said: serde_json::Value = serde_json::from_str(&handle(event).unwrap()).unwrap();
        assert_eq!(said["days"][1]["conditions"], "thunderstorm");
        assert_eq!(said["days"][0]["high"], 27.0);
        let far = event.replace(":2", ":99");
        answers(&[(200, PLACE)]);
        assert!(handle(&far).unwrap_err().contains("1 to 16 days"));
    }

    #[test]
    fn what_goes_wrong_is_a_sentence() {
        for (given, event, why) in [
            (&[(503, "")][..], GET, "answered 503"),
            (&[(200, "{}")], GET, "nobody knows a place"),
            (&[(200, "<html>")], GET, "can't be read"),
            (
                &[],
                r#"{"type":"weather.get","data":{}}"#,
                "missing field `location`",
            ),
            (
                &[],
                r#"{"type":"weather.get","data":{"location":" "}}"#,
                "names no location",
            ),
            (
                &[(200, PLACE)],
                r#"{"type":"a.b","data":{"location":"x"}}"#,
                "not a.b",
            ),
        ] {
            answers(given);
            let said = handle(event).expect_err("it can't be answered");
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn a_place_cannot_leave_its_parameter() {
        assert_eq!(escaped("Nosy Be&x=é"), "Nosy%20Be%26x%3D%C3%A9");
    }
}
