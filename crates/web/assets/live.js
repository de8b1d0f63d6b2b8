// The live page: applies what the server sends. Without it every page works all the same.
(() => {
  const doc = document, body = doc.body, sign = doc.getElementById('live');
  const make = html => {
    const t = doc.createElement('template');
    t.innerHTML = html;
    return t.content.firstElementChild;
  };

  // One tap, one request: the key in the form tells the server, this tells the person.
  doc.addEventListener('submit', e => {
    const form = e.target;
    if (form.method !== 'post') return;
    if (form.dataset.sent) return e.preventDefault();
    form.dataset.sent = 1;
    form.setAttribute('aria-busy', true);
  });
  addEventListener('pageshow', () => doc.querySelectorAll('[data-sent]').forEach(form => {
    delete form.dataset.sent;
    form.removeAttribute('aria-busy');
  }));

  // g, then the letter of a place.
  let g = 0;
  addEventListener('keydown', e => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input,textarea,select')) return;
    if (e.key === 'g') return g = Date.now();
    const link = Date.now() - g < 1500 && /^[a-z]$/.test(e.key) &&
      doc.querySelector('[data-key="' + e.key + '"]');
    g = 0;
    if (link) link.click();
  });

  // The sheet of the tab bar closes when one taps beside it.
  doc.addEventListener('click', e => {
    const more = doc.querySelector('.more details[open]');
    if (more && !more.contains(e.target)) more.open = false;
  });

  // Distances in time go on while the page stays open.
  const ago = new Intl.RelativeTimeFormat(doc.documentElement.lang, { style: 'short' });
  const units = [['day', 864e5], ['hour', 36e5], ['minute', 6e4]];
  setInterval(() => doc.querySelectorAll('main time[title]').forEach(time => {
    const ms = Date.parse(time.dateTime) - Date.now(), far = Math.abs(ms);
    const unit = units.find(u => far >= u[1]);
    if (unit && far < 7 * 864e5) time.textContent = ago.format(Math.trunc(ms / unit[1]), unit[0]);
  }), 3e4);

  if (!body.dataset.live || !window.EventSource) return;
  const address = new URL(body.dataset.live, location);
  let source, timer, wait = 1e3;

  const show = on => {
    sign.className = 'live ' + (on ? 'is-on' : 'is-off');
    const text = on ? sign.dataset.on : sign.dataset.off;
    if (sign.textContent !== text) sign.firstElementChild.textContent = text;
  };
  const on = (name, act) => source.addEventListener(name, e => {
    if (e.lastEventId) address.searchParams.set('since', e.lastEventId);
    act(e.data);
  });

  const replace = data => {
    const { id, html } = JSON.parse(data), old = doc.getElementById(id), now = make(html);
    if (!now) return;
    if (!old) return add(id, now);
    // Somebody types in there: what they write matters more.
    if (old.contains(doc.activeElement) && doc.activeElement.matches('input,textarea')) return;
    const focus = old.contains(doc.activeElement) && doc.activeElement.getAttribute('href');
    const opened = el => el.matches('details') ? [el] : [...el.querySelectorAll('details')];
    const was = opened(old);
    opened(now).forEach(d => {
      const before = was.find(o => o.id === d.id);
      if (before) d.open = before.open || d.open;
    });
    const frame = old.querySelector('.frame');
    const at = frame && [frame.scrollLeft, frame.scrollTop];
    old.replaceWith(now);
    if (at) now.querySelector('.frame')?.scrollTo(...at);
    if (focus) now.querySelector('[href="' + CSS.escape(focus) + '"]')?.focus();
  };
  // A new row goes into the list of its kind, where the page has one.
  const add = (id, row) => {
    const kind = id.split('-')[0];
    const list = doc.getElementById(kind + 's') || id.startsWith('plan-step') &&
      doc.getElementById('steps');
    if (!list) return;
    doc.getElementById('steps-blank')?.remove();
    if (list.id === 'runs') list.prepend(row); else list.append(row);
  };
  const prepend = html => {
    const list = doc.getElementById('feed'), row = make(html);
    if (!list || !row || doc.getElementById(row.id)) return;
    doc.getElementById('feed-blank')?.remove();
    row.classList.add('new');
    list.prepend(row);
    while (list.children.length > list.dataset.max) list.lastElementChild.remove();
  };

  // What a model writes, until the step says it whole.
  const said = doc.getElementById('said');
  let of = '';
  const write = data => {
    const { call, kind, offset, text } = JSON.parse(data), pre = said?.lastElementChild;
    if (!pre) return;
    if (of !== call + kind || !offset) pre.textContent = '';
    of = call + kind;
    said.hidden = false;
    pre.className = 'said is-' + kind;
    const down = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 40;
    pre.append(text);
    if (down) pre.scrollTop = pre.scrollHeight;
  };

  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const open = () => {
    close();
    source = new EventSource(address);
    source.onopen = () => { wait = 1e3; show(true); };
    source.onerror = () => {
      show(false);
      // The browser comes back by itself, unless the answer was a refusal.
      if (source.readyState === 2) {
        timer = setTimeout(open, wait);
        wait = Math.min(wait * 2, 6e4);
      }
    };
    on('feed', prepend);
    on('part', data => {
      if (said) said.hidden = true;
      replace(data);
    });
    on('said', write);
    on('gone', id => doc.getElementById(id)?.remove());
  };
  // A page nobody looks at costs neither data nor battery; it catches up when it is seen.
  const look = () => doc.hidden ? close() : source || open();
  doc.addEventListener('visibilitychange', look);
  addEventListener('pagehide', close);
  addEventListener('pageshow', look);
  look();
})();
