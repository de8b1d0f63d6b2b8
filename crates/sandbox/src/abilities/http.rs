//! `http`: gated. Checks one request and hands it to the host, whose client does the rest.
//!
//! The address is read strictly: what passes here means the same host to every parser, so that
//! the allow-list and the client cannot disagree. Where a name leads to is the client's to check.

use super::invalid;
use crate::bindings::naos::agent::{http, types};
use crate::host::{AbilityError, GatedAnswer, GatedRequest};
use crate::limits::Limit;
use crate::run_state::{Check, RunState, Stop};
use naos_types::http::{HttpRequest, HttpResponse};
use wasmtime::component::{HasSelf, Linker};

pub(super) fn link(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    http::add_to_linker::<RunState, HasSelf<RunState>>(linker, |run| run)
}

impl http::Host for RunState {
    fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, types::Error>> {
        let http::Request {
            method,
            url,
            headers,
            body,
        } = request;
        let request = GatedRequest::Http(HttpRequest {
            method,
            url,
            headers,
            body,
        });
        match self.gated(request, check, GatedAnswer::Http)? {
            GatedAnswer::Http(answer) => Ok(answer.map(Into::into).map_err(Into::into)),
            other => Err(self.mismatched(&other)),
        }
    }
}

impl From<HttpResponse> for http::Response {
    fn from(
        HttpResponse {
            status,
            headers,
            body,
        }: HttpResponse,
    ) -> Self {
        http::Response {
            status,
            headers,
            body,
        }
    }
}

fn check(run: &RunState, request: &GatedRequest) -> Check {
    let GatedRequest::Http(request) = request else {
        return Ok(Ok(()));
    };
    let target = match naos_types::http::check(request) {
        Ok(target) => target,
        Err(why) => return Ok(invalid(why)),
    };
    if !run
        .grants
        .reaches(&target.host, target.port, target.own_port)
    {
        let name = target.to_string();
        let what = format!("HTTP to {name}");
        return Ok(Err(AbilityError::Denied(run.grants.item(
            &what,
            &name,
            "allowed_hosts",
        ))));
    }
    let max = run.limits.http_body_bytes_max;
    if request.body.len() > max {
        let detail = format!(
            "a request body of {} bytes, at most {max}",
            request.body.len()
        );
        return Err(Stop::limit(Limit::HttpBodyBytes, detail));
    }
    Ok(Ok(()))
}
