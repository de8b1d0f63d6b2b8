//! The weather tool of `examples/weather`, as somebody else would use it, against a weather service
//! on this machine.

mod project;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use project::Project;
use serde_json::Value;

const DRIVER: &str = include_str!("../../../examples/weather/weather.yaml");
const ALERT: &str = include_str!("../../../examples/weather/alert.json");
const COMPONENT: &[u8] = include_bytes!("../../../examples/weather/fixtures/weather.wasm");
/// The longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A weather service: storms in Toamasina, rain elsewhere; nothing while it is down.
struct Service {
    port: u16,
    down: Arc<AtomicBool>,
}

impl Service {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let down = Arc::new(AtomicBool::new(false));
        let is_down = Arc::clone(&down);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                answer(stream, is_down.load(Ordering::SeqCst));
            }
        });
        Self { port, down }
    }
}

fn answer(mut stream: TcpStream, down: bool) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap_or(0);
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        line.clear();
    }
    let (status, body) = if down {
        ("503 Service Unavailable", String::new())
    } else if first.contains("/v1/search") {
        let name = first.split("name=").nth(1).unwrap_or_default();
        let name = name.split(' ').next().unwrap_or_default();
        let north = if name == "Toamasina" { -18.15 } else { 50.0 };
        let place = format!(
            "{{\"results\":[{{\"name\":\"{name}\",\"country\":\"Madagascar\",\
             \"latitude\":{north},\"longitude\":49.4}}]}}"
        );
        ("200 OK", place)
    } else {
        let code = if first.contains("-18.15") { 96 } else { 61 };
        let now = format!(
            "{{\"current\":{{\"time\":\"2026-10-09T14:00\",\"temperature_2m\":24.5,\
             \"wind_speed_10m\":12,\"weather_code\":{code}}}}}"
        );
        ("200 OK", now)
    };
    let length = body.len();
    let text =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    let _ = stream.write_all(text.as_bytes());
}

/// The example in a project of its own, with the service of this machine.
fn project(service: &Service) -> Project {
    let project = Project::new();
    let here = format!("127.0.0.1:{}", service.port);
    let hosts = "[geocoding-api.open-meteo.com, api.open-meteo.com]";
    assert!(DRIVER.contains(hosts), "{DRIVER}");
    let text = DRIVER.replace(hosts, &format!("[\"{here}\"]"));
    std::fs::create_dir(project.path("fixtures")).unwrap();
    std::fs::write(project.path("fixtures/weather.wasm"), COMPONENT).unwrap();
    std::fs::write(project.path("weather.yaml"), text).unwrap();
    std::fs::write(project.path("alert.json"), ALERT).unwrap();
    for file in ["weather.yaml", "alert.json"] {
        let applied = project.naos(&["apply", "-f", file]);
        assert_eq!(applied.exit, 0, "{file}: {}", applied.stderr);
    }
    let config = format!(
        "instruction:\n  name: config\n  trigger: {{manual: true}}\n  plan:\n    \
         - emit: {{type: context.write, path: /Drivers/weather, data: {{content: \
         '{{\"places\": \"http://{here}\", \"forecast\": \"http://{here}\"}}'}}}}\n"
    );
    let applied = project.naos_with(&["apply", "-f", "-"], config.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let ran = project.json(&["instruction", "run", "config"]);
    assert_eq!(ran["status"], "completed", "{ran}");
    project
}

/// Asks again and again until it is as wanted.
fn until<T>(mut look: impl FnMut() -> Result<T, String>) -> T {
    let end = naos_engine::clock::tick() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(said) => assert!(naos_engine::clock::tick() < end, "{said}"),
        }
    }
}

fn driver(project: &Project) -> Value {
    project.json(&["get", "driver", "weather-tool"])
}

#[test]
fn process_the_weather_tool_answers_alerts_and_rests() {
    let service = Service::start();
    let project = project(&service);
    let port = service.port.to_string();
    let mut daemon = project.up_with(&[("NAOS_ALLOW_LOOPBACK_PORTS", port.as_str())]);

    // Whoever asks gets the answer.
    let ask = "instruction: {name: ask, trigger: {manual: true}, plan: [{id: rain, emit: \
               {type: weather.get, data: {location: Antsirabe}}}, {id: storm, emit: \
               {type: weather.get, data: {location: Toamasina}}}]}";
    let applied = project.naos_with(&["apply", "-f", "-"], ask.as_bytes());
    assert_eq!(applied.exit, 0, "{}", applied.stderr);
    let ran = project.json(&["instruction", "run", "ask"]);
    assert_eq!(ran["status"], "completed", "{ran}");
    let said = &ran["steps"][0]["output"];
    assert_eq!(
        (&said["location"], &said["conditions"]),
        (&"Antsirabe".into(), &"rain".into())
    );

    // Whoever listens hears of it, and a storm sets the alert off.
    let told = project.json(&["events", "list", "--type", "weather.data"]);
    assert_eq!(told["items"].as_array().map(Vec::len), Some(2), "{told}");
    let alert = until(|| {
        let found = project.naos(&["get", "document", "/Alerts/Weather"]);
        if found.exit == 0 {
            Ok(found.stdout)
        } else {
            Err(found.stderr)
        }
    });
    assert!(alert.contains("thunderstorm"), "{alert}");
    let found = driver(&project);
    assert_eq!(
        (&found["status"], &found["answered"]),
        (&"ready".into(), &2.into()),
        "{found}"
    );

    // The service is down: each failure is an event, and after three the driver rests.
    service.down.store(true, Ordering::SeqCst);
    let data = r#"{"location": "Antsirabe"}"#;
    for _ in 0..4 {
        project.json(&["events", "emit", "weather.get", "--data", data]);
    }
    let found = until(|| {
        let found = driver(&project);
        if found["status"] == "resting" {
            Ok(found)
        } else {
            Err(found.to_string())
        }
    });
    assert_eq!(found["breaker"], "open", "{found}");
    assert!(found["failed"].as_u64() >= Some(3), "{found}");
    let listed = project.naos(&["get", "drivers"]);
    assert!(listed.stdout.contains("resting until"), "{}", listed.stdout);
    let errors = project.json(&["events", "list", "--type", "error"]);
    let errors = errors["items"].as_array().unwrap();
    assert!(errors.len() >= 3, "{errors:?}");
    assert_eq!(errors[0]["data"]["driver"], "weather-tool", "{errors:?}");

    // It is up again, and a person doesn't wait: nothing that waited is lost.
    service.down.store(false, Ordering::SeqCst);
    project.json(&["events", "emit", "weather.get", "--data", data]);
    project.json(&["driver", "reset", "weather-tool"]);
    until(|| {
        let found = driver(&project);
        let rest = found["waiting"] == 0 && found["open"] == 0 && found["status"] == "ready";
        if rest { Ok(()) } else { Err(found.to_string()) }
    });
    // What it failed at is kept, and given again once a person says so.
    let dead = project.json(&["events", "dead", "list"]);
    let failed = driver(&project)["failed"].clone();
    let aside = dead["items"].as_array().map(Vec::len);
    assert_eq!(aside.map(Value::from), Some(failed.clone()), "{dead}");
    let again = project.json(&["events", "dead", "replay", "--all"]);
    assert_eq!(again["done"], failed, "{again}");
    until(|| {
        let found = driver(&project);
        let all = found["answered"] == 2 + 4 + 1;
        if all { Ok(()) } else { Err(found.to_string()) }
    });
    let dead = project.json(&["events", "dead", "list"]);
    assert_eq!(dead["items"].as_array().map(Vec::len), Some(0), "{dead}");
    assert_eq!(daemon.interrupt(), 0);
}
