//! What a service tells as it happens.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use serde_json::Value;

use super::http::Server;

/// A stream of events. HTTP/1.0: the body comes as it is, to the end of the connection.
pub struct Events(BufReader<TcpStream>);

#[derive(Debug, Clone)]
pub struct Event {
    pub id: Option<String>,
    pub name: String,
    pub data: Value,
}

impl Events {
    pub fn open(server: &Server, last: Option<&str>) -> Self {
        let last = last.map(|last| ("Last-Event-ID", last));
        let head = server.head("GET", "/api/v1/events", last.as_slice());
        let mut stream = server.connect().unwrap();
        stream
            .write_all(head.replace("HTTP/1.1", "HTTP/1.0").as_bytes())
            .unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{line}");
        while line.trim() != "" {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
        Self(reader)
    }

    /// `None` at the end of the stream.
    pub fn next(&mut self) -> Option<Event> {
        let (mut id, mut name, mut data) = (None, None, None);
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some(("id", text)) => id = Some(text.to_owned()),
                Some(("event", text)) => name = Some(text.to_owned()),
                Some(("data", text)) => data = Some(serde_json::from_str(text).unwrap()),
                _ => {}
            }
            if line.trim().is_empty()
                && let (Some(name), Some(data)) = (name.take(), data.take())
            {
                return Some(Event { id, name, data });
            }
        }
    }

    /// The next event that is meant, and all names up to it.
    pub fn until(&mut self, is_meant: impl Fn(&Event) -> bool) -> (Event, Vec<String>) {
        let mut names = Vec::new();
        loop {
            let event = self.next().expect("an open stream");
            names.push(event.name.clone());
            if is_meant(&event) {
                return (event, names);
            }
        }
    }

    pub fn until_task(&mut self, id: &str, status: &str) -> Event {
        let is_meant =
            |event: &Event| event.name == "task" && event.data["id"] == id && event.data["status"] == status;
        self.until(is_meant).0
    }
}
