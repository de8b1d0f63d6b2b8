//! Gated calls on their way to a receiver, and what gets lost there.

use naos_engine::shard::{Envelope, NewBody};
use naos_types::TenantId;
use naos_types::effect::{Call, Caller, Driver, EffectId};
use naos_types::fact::run::World;
use naos_types::input::{CallEnded, CallOutcome, Input};

use crate::clients::canary;
use crate::events::Event;
use crate::sim::Sim;

impl Sim {
    pub(crate) fn call_wanted(&mut self, tenant: TenantId, call: Call) {
        let walk = self.walks.get_mut(&tenant);
        if !walk.is_some_and(|walk| walk.catch_up_and_ask(&self.store, &call)) {
            let detail = format!("{:?}", call.by);
            self.violated("an effect without a durable intent", detail);
        }
        if self.faults_on() && self.chance.once_in(self.faults.lost) {
            let sealed = self.seal(tenant, "no connection");
            return self.call_ended(tenant, &call, CallOutcome::NotSent(sealed), Vec::new());
        }
        let slow = *self.chance.pick(&[10, 1_000, 20_000]);
        let wait = self.chance.within(1, slow);
        let sender = self.report.crashes;
        self.later(wait, Event::Arrive(tenant, Box::new(call), sender));
    }

    /// A request reaches its receiver, whoever sent it may be dead by now.
    pub(crate) fn arrive(&mut self, tenant: TenantId, call: Call, sender: u64) {
        let asks = call.driver == Driver::Endpoint;
        let mut text = self.content(tenant, &call.request).unwrap_or_default();
        if asks {
            text = self.enquiry(tenant, &text);
        }
        let guests = matches!(call.by, Caller::Run(..));
        if guests && !String::from_utf8_lossy(&text).contains(&canary(tenant)) {
            let detail = format!("{:?}", call.by);
            self.violated("a request of another tenant", detail);
        }
        let key = format!("{}/{}", tenant.0, naos_kernel::key_of(&call));
        self.trace
            .say(self.now, || format!("arrives {key} {:?}", call.world));
        let once = call.world == World::Once;
        let receiver = if once {
            &mut self.outside.dumb
        } else {
            &mut self.outside.honouring
        };
        let answer = receiver.arrive(key);
        if asks {
            let heard = sender == self.report.crashes;
            return self.endpoint_says(tenant, &call, heard);
        }
        if !guests && self.extra.once_in(12) {
            self.report.meet("notice refused", 1);
            let gone = CallOutcome::Refused(self.seal(tenant, "gone"));
            return self.call_ended(tenant, &call, gone, Vec::new());
        }
        if sender != self.report.crashes {
            return; // whoever waited for the answer is dead
        }
        if self.faults_on() && self.chance.once_in(self.faults.lost) {
            if once || !guests {
                return self.call_ended(tenant, &call, CallOutcome::Lost(None), Vec::new());
            }
            // The driver repeats what can be repeated, with the same key.
            let wait = self.chance.within(1, 3_000);
            return self.later(wait, Event::Arrive(tenant, Box::new(call), sender));
        }
        let body = self.body(tenant, &answer);
        let outcome = CallOutcome::Answered(body.staged.name);
        self.call_ended(tenant, &call, outcome, vec![body]);
    }

    pub(crate) fn call_ended(
        &mut self,
        tenant: TenantId,
        call: &Call,
        outcome: CallOutcome,
        bodies: Vec<NewBody>,
    ) {
        let (by, attempt) = (call.by, call.attempt);
        let input = Input::CallEnded(CallEnded {
            by,
            attempt,
            outcome,
        });
        let ends = Some(EffectId::Call(by, attempt));
        self.come_back(Envelope {
            tenant,
            input,
            bodies,
            same: None,
            ticket: None,
            ends,
        });
    }
}
