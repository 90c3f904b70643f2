//! What hooks do: rendered when the hook's turn comes, then carried out.
//!
//! A new action is a variant of [`Action`](super::Action), its rendering in `render.rs`, and a file that carries it out.

mod ask;
mod check;
mod describe;
mod fields;
mod http;
mod location;
mod render;
mod supervised;
mod tcp;
mod unknown;
mod waiting;

pub use check::cannot_run;
pub use describe::describe;
pub use render::render;

pub(super) use ask::{Asked, ask};
pub(super) use check::problem_of;
pub(super) use supervised::{Handed, Supervised, supervise};

use std::time::Duration;

/// An action with every template rendered: what is really done, and what `hooks test --dry-run` shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Rendered {
    /// A process: program, arguments, and what `exec` adds to the hook's environment.
    Command(Command),
    /// A request by HTTP.
    Request(Request),
    /// A connection: host and port.
    Connection(String, u16),
}

/// A command with every template rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The program, as written: looked up in the `PATH` of the hook if it has no slash.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Added to the environment.
    pub env: Vec<(String, String)>,
    /// The working directory.
    pub directory: String,
    /// The user that it runs as; ours if `None`.
    pub user: Option<String>,
}

/// A request with every template rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The whole address; without its port where that is the scheme's own.
    pub url: String,
    /// The headers as they are sent.
    pub headers: Vec<(String, String)>,
    /// What is posted.
    pub body: Option<String>,
    /// Whether the certificate is verified.
    pub verify: bool,
}

/// The limit of requests where nobody has set one.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(5 * 60);
