//! What is overdue, however an office writes down that nothing was paid.

use serde_json::{Value, json};

const ENGLISH: &str = "number,date,client,total,due,paid\n";
const FRENCH: &str = "Numéro;Client;Total TTC;Échéance;Payée le\n";

fn overdue(table: &str) -> Option<String> {
    let input = json!({
        "files": [{"path": "i.csv", "text": table}], "today": "2026-10-09", "client": "",
    });
    let answer = analyzer::handle(&input.to_string()).expect("an answer");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let group = &answer["groups"][0];
    let scopes = group["scopes"].as_array().expect("scopes");
    assert_eq!(
        scopes.len(),
        1,
        "nobody is named, so nobody is looked at alone"
    );
    let overdue = scopes[0].get("overdue")?;
    let items = overdue["items"].as_array().expect("items");
    let due: Vec<&str> = items.iter().filter_map(|it| it["due"].as_str()).collect();
    assert_eq!(group["kind"], "invoices", "{table}");
    Some(due.join(" "))
}

#[test]
fn an_empty_column_for_payments_says_that_nothing_is_paid() {
    for (head, rows, expected) in [
        (
            ENGLISH,
            "A1,2026-09-01,X,10,2026-10-01,\nA2,2026-09-01,X,10,2026-11-01,\n",
            Some("2026-10-01"),
        ),
        (
            ENGLISH,
            "A1,2026-09-01,X,10,2026-10-01,2026-10-02\nA2,2026-09-01,X,10,2026-10-02,\n",
            Some("2026-10-02"),
        ),
        (
            ENGLISH,
            "A1,2026-09-01,X,10,2026-10-01,no\nA2,2026-09-01,X,9,2026-10-02,yes\n",
            Some("2026-10-01"),
        ),
        (
            FRENCH,
            "F-1;X;1 200,50;01/10/2026;\nF-2;X;80,00;30/10/2026;\n",
            Some("2026-10-01"),
        ),
        ("number,client,total,due\n", "A1,X,10,2026-10-01\n", None),
        ("number,client,total,paid\n", "A1,X,10,\n", None),
        (
            "client,total,due,status\n",
            "X,10,2026-10-01,\nY,9,2026-10-02,\n",
            None,
        ),
        (
            "client,total,due,status\n",
            "X,10,2026-10-01,open\nX,9,2026-10-02,paid\n",
            Some("2026-10-01"),
        ),
    ] {
        let found = overdue(&format!("{head}{rows}"));
        assert_eq!(found.as_deref(), expected, "{head}{rows}");
    }
}

/// A table with a column for payments of this name: one invoice paid, two not.
fn with(column: &str, cells: [&str; 3]) -> String {
    let [first, second, third] = cells;
    format!(
        "N° facture;Client;Montant HT;Échéance;{column}\nF-1;X;100,00;01/10/2026;{first}\n\
         F-2;Y;1 200,50;02/10/2026;{second}\nF-3;Z;80,00;03/10/2026;{third}\n"
    )
}

fn answer(files: &[(&str, &str)]) -> Value {
    let file = |(path, text): &(&str, &str)| json!({"path": path, "text": text});
    let files: Vec<Value> = files.iter().map(file).collect();
    let input = json!({"files": files, "today": "2026-10-09", "client": ""});
    let answer = analyzer::handle(&input.to_string()).expect("an answer");
    serde_json::from_str(&answer).expect("JSON")
}

#[test]
fn a_column_for_payments_is_known_whatever_it_is_called() {
    for column in [
        "payee",
        "payé",
        "PAYÉE",
        " Payée ",
        "paye",
        "réglée",
        "regle",
        "Acquittée",
        "voaloa",
        "Paid",
        "Soldé",
        "Payé (O/N)",
        "Réglée ?",
        "Efa voaloa",
        "Facture payée",
        "Règlement",
        "paiement",
        "isPaid",
    ] {
        for yes in ["oui", "Oui", "x", "payée", "VOALOA", "1"] {
            for no in ["non", "", "impayée", "en retard", "tsy voaloa", "0"] {
                let table = with(column, [yes, no, no]);
                let due = overdue(&table);
                assert_eq!(due.as_deref(), Some("2026-10-02 2026-10-03"), "{table}");
            }
        }
    }
    for column in [
        "date de paiement",
        "payée le",
        "Date règlement",
        "Payment date",
        "Daty nandoavana",
    ] {
        let table = with(column, ["05/10/2026", "", "-"]);
        assert_eq!(
            overdue(&table).as_deref(),
            Some("2026-10-02 2026-10-03"),
            "{table}"
        );
    }
    for column in [
        "statut",
        "État",
        "Situation",
        "Observations",
        "",
        "état du paiement",
    ] {
        let table = with(column, ["Payée", "Impayée", "en retard"]);
        assert_eq!(
            overdue(&table).as_deref(),
            Some("2026-10-02 2026-10-03"),
            "{table}"
        );
    }
    for (column, cells) in [
        ("Montant payé", ["100,00", "0", "20,00"]),
        ("Payé", ["100", "", "20"]),
        ("Reste à payer", ["0,00", "1 200,50", "60,00"]),
        ("Solde", ["0", "1200,5", "60"]),
    ] {
        let table = with(column, cells);
        assert_eq!(
            overdue(&table).as_deref(),
            Some("2026-10-02 2026-10-03"),
            "{table}"
        );
        let answer = answer(&[("i.csv", &table)]);
        let part = &answer["groups"][0]["scopes"][0]["overdue"]["items"][1];
        let owed = part["owed"].as_str().expect("an amount");
        assert!(part["of"] == "open" && owed.starts_with("60"), "{part}");
    }
}

#[test]
fn a_table_that_does_not_say_what_is_paid_says_so() {
    const NOTE: &str = "no column says what is paid; overdue invoices can't be told";
    let told = with("Payée", ["oui", "non", "non"]);
    for column in [
        "Objet",
        "Mode de paiement",
        "Conditions de paiement",
        "Statut",
    ] {
        let untold = with(column, ["virement", "chèque", "envoyée"]);
        let alone = answer(&[("a/i.csv", &untold)]);
        assert_eq!(
            alone["notes"],
            json!([format!("a/i.csv: {NOTE}")]),
            "{untold}"
        );
        assert!(alone["groups"][0]["scopes"][0].get("overdue").is_none());
        // Beside another that does, none of its invoices is taken for open.
        let both = answer(&[("told.csv", &told), ("i.csv", &untold.replace("F-", "G-"))]);
        let overdue = &both["groups"][0]["scopes"][0]["overdue"];
        assert_eq!(
            (&overdue["count"], &overdue["untold"]),
            (&json!(2), &json!(3))
        );
        assert_eq!(both["notes"], json!([format!("i.csv: {NOTE}")]));
    }
    let notes = |table: &str| answer(&[("i.csv", table)])["notes"].clone();
    assert_eq!(notes(&told), json!([]));
    // Nothing is due, or nothing is billed.
    assert_eq!(notes("number,client,total\nA,X,10\n"), json!([]));
    let unknown = "i.csv:1: 1 rows not counted: its columns name no amounts, and no hours of \
                   persons (task, due)";
    assert_eq!(notes("task,due\nA,2026-10-01\n"), json!([unknown]));
}

#[test]
fn what_is_owed_is_with_tax_where_both_are_given() {
    for (head, row, expected) in [
        (
            "N° facture;Client;Montant HT;TVA;Montant TTC;Échéance;Payée",
            "F;X;100,00;20,00;120,00;01/10/2026;non",
            "120.00 total",
        ),
        (
            "N° facture;Client;HT;TTC;Échéance;Payée",
            "F;X;100,00;120,00;01/10/2026;non",
            "120.00 total",
        ),
        (
            "N° facture;Client;TTC;HT;Échéance;Payée",
            "F;X;120,00;100,00;01/10/2026;non",
            "120.00 total",
        ),
        (
            "N° facture;Client;Total TTC;Échéance;Payée",
            "F;X;120,00;01/10/2026;non",
            "120.00 total",
        ),
        (
            "N° facture;Client;montant HT;Échéance;Payée",
            "F;X;100,00;01/10/2026;non",
            "100.00 net",
        ),
        (
            "N° facture;Client;prix;Échéance;Payée",
            "F;X;99,00;01/10/2026;non",
            "99.00 amount",
        ),
        (
            "N° facture;Client;Prix;Qté;Montant;Échéance;Payée",
            "F;X;9,00;3;27,00;01/10/2026;non",
            "27.00 amount",
        ),
        (
            "Laharana;Mpanjifa;Vidiny (Ar);Daty farany;Voaloa",
            "F;X;900000;01/10/2026;tsia",
            "900000.00 amount MGA",
        ),
        (
            "Invoice no;Client;Amount (EUR);Due date;Paid",
            "F;X;99,50;01/10/2026;no",
            "99.50 amount EUR",
        ),
        (
            "Invoice no;Client;amount_eur;Due date;Paid",
            "F;X;99,50;Oct 1, 2026;no",
            "99.50 amount EUR",
        ),
        (
            "Invoice no;Client;Amount;Due date;Paid",
            "F;X;99,50 €;1 Oct 2026;no",
            "99.50 amount EUR",
        ),
    ] {
        let answer = answer(&[("i.csv", &format!("{head}\n{row}\n"))]);
        let group = &answer["groups"][0];
        assert_eq!(group["kind"], "invoices", "{head}");
        let owed = &group["scopes"][0]["overdue"]["owed"][0];
        let text = |name: &str| owed[name].as_str().unwrap_or_default();
        let said = format!("{} {} {}", text("amount"), text("of"), text("currency"));
        assert_eq!(said.trim(), expected, "{head}");
    }
}

#[test]
fn what_is_cut_is_counted() {
    let mut table = String::from("number,client,total,due,paid\n");
    for number in 0..250 {
        table.push_str(&format!("A{number},X{number},10,2026-10-01,no\n"));
        table.push_str(&format!("A{number},X{number},10,2026-10-01,no\n"));
    }
    let answer = answer(&[("i.csv", &table)]);
    let group = &answer["groups"][0];
    let length = |list: &Value| list.as_array().map_or(0, Vec::len);
    assert_eq!(
        (length(&group["duplicates"]), &group["more"]["duplicates"]),
        (100, &json!(150))
    );
    let overdue = &group["scopes"][0]["overdue"];
    assert_eq!(
        (length(&overdue["items"]), &overdue["count"]),
        (100, &json!(250))
    );
    assert_eq!(group["more"]["parties"], 150);
}

#[test]
fn a_row_of_totals_is_not_counted() {
    let head = "N° facture;Date;Client;Montant TTC;Échéance;Payée";
    for sum in [
        ";;TOTAL;30,00;;",
        "Total;;;30,00;;",
        ";;Total général :;30,00;;",
    ] {
        let table = format!(
            "{head}\nF-1;01/09/2026;X;10,00;01/10/2026;non\n\
             F-2;02/09/2026;Total Energies;20,00;02/10/2026;non\n{sum}\n"
        );
        let answer = answer(&[("i.csv", &table)]);
        let scope = &answer["groups"][0]["scopes"][0];
        assert_eq!(scope["totals"][0]["with_duplicates"], "30.00", "{sum}");
        assert_eq!(scope["overdue"]["count"], 2);
        assert_eq!(
            answer["notes"],
            json!(["i.csv:4: a row of totals: not counted"])
        );
    }
}

#[test]
fn a_balance_of_an_account_is_nothing_to_be_paid() {
    let table = "Date;Libellé;Débit;Crédit;Solde\n01/11/2026;A;;1 200,00;5 200,00\n\
                 03/11/2026;B;120,50;;5 079,50\n";
    let answer = answer(&[("i.csv", table)]);
    let totals = answer["groups"][0]["scopes"][0]["totals"]
        .as_array()
        .expect("totals");
    let money = totals.iter().filter(|it| it["money"] == true);
    let money: Vec<&str> = money.filter_map(|it| it["column"].as_str()).collect();
    assert_eq!(money, ["credit", "debit"]);
}
