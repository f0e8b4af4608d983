"""The words of the demo: what customers of Tallyfern, an imaginary till and stock app for small shops, write about.

Every sentence is our own. A word in braces is a slot that ``demo_tickets.fill`` draws. No sentence holds the name of an
intent (``refund_request``, or ``refund request``), so that ``leakage.answer`` finds only the rows planted for it.
"""

from __future__ import annotations

from typing import NamedTuple

PRODUCT = "Tallyfern"


class Intent(NamedTuple):
    """What is said when a ticket has this intent."""

    share: int  # of 100 tickets, roughly: real intents are not balanced
    topic: str  # how a ticket about something else mentions it
    openings: tuple[str, ...]
    details: tuple[str, ...]
    asks: tuple[str, ...]


INTENTS = {
    "billing_question": Intent(
        13,
        "the odd amount on our bill",
        (
            "On invoice {invoice} I see {amount} for {feature}, but we agreed on less.",
            "Our accountant can't match {invoice} with what left the bank in {month}.",
            "Why is the bill for {month} {amount} higher than the one before?",
            "The VAT on {invoice} looks wrong to me.",
            "I need {invoice} again with the new name of the company on it.",
            "There are two lines on the {month} bill that nobody here understands.",
            "Which day do you take the monthly payment from our account?",
            "The bill says {days} seats and we have never had more than three people at the till.",
        ),
        (
            "The amount in question is {amount}.",
            "The bill went to {email} as always.",
            "The tax office wants an answer by {weekday}.",
            "I compared it with {invoice} and the net sum differs.",
            "Nothing in our contract mentions such a fee.",
            "It was paid by direct debit on {weekday}.",
        ),
        (
            "Can you explain the amount?",
            "Please send a corrected bill.",
            "Who can tell me what this line stands for?",
            "A copy as PDF would be enough.",
        ),
    ),
    "login_problem": Intent(
        13,
        "the password trouble",
        (
            "{colleague} can't sign in {when}, the page just says try later.",
            "The code for the second step never arrives on my phone.",
            "I reset my password {days} times and the new one is refused every time.",
            "My account is locked {when} and I have {days} customers waiting.",
            "After typing the PIN on {device} it sends me back to the start page.",
            "The link in the password mail has expired before I can open it.",
            "{product} tells me that {email} does not exist, yet I used it yesterday.",
            "Nobody at the counter can get past the sign-in screen {when}.",
        ),
        (
            "I tried another browser and it makes no difference.",
            "The caps key is off, I checked.",
            "The message on the screen is number {four}.",
            "My address for signing in is {email}.",
            "Yesterday it still let me in with the same password.",
            "The phone for the codes is {phone}.",
        ),
        (
            "Please unlock the account.",
            "Can you send a fresh code?",
            "How do I get back in?",
            "Could you set a new password for us by hand?",
        ),
    ),
    "sync_problem": Intent(
        12,
        "the stock that differed between devices",
        (
            "{device} shows {days} boxes of {goods} and the office laptop shows none.",
            "What we sell at the counter does not reach the back office {when}.",
            "The little cloud has been spinning {when} and nothing arrives on the other till.",
            "Prices that I change at home are the old ones again on {device}.",
            "Since {colleague} joined, every sale of {goods} is booked twice on the second device.",
            "Our two tills disagree about {feature} {when}.",
            "Sales made without a network on {weekday} were never sent afterwards.",
            "{feature} is up to date on my phone but three days behind on {device}.",
        ),
        (
            "Pulling the list down to refresh changes nothing.",
            "Both devices are on the same network.",
            "The last good update was at {hour}.",
            "I signed out and in again on both.",
            "It says {four} items pending.",
            "Only {goods} are affected as far as I can tell.",
        ),
        (
            "How can I force them to agree?",
            "Please bring both tills back to the same numbers.",
            "Which of the two devices is right?",
            "Can you see the missing sales on your side?",
        ),
    ),
    "crash_report": Intent(
        10,
        "the sudden restarts",
        (
            "The app closes by itself as soon as I open {feature}.",
            "{when} {device} goes black in the middle of a sale and starts again.",
            "Every time I scan {goods} the program disappears.",
            "{product} stopped with error {four} and took the open basket with it.",
            "It shuts down after about {days} minutes, whatever I do.",
            "Opening {feature} gives a white screen and then I am back on the desktop.",
            "Tapping pay twice makes everything freeze and quit.",
            "The update to {version} went through, and now it won't even start.",
        ),
        (
            "The error text mentions module {four}.",
            "I sent the report each time it offered to.",
            "Reinstalling helped for one hour.",
            "It happened {days} times today.",
            "There is plenty of free memory.",
            "The basket is lost each time.",
        ),
        (
            "Is there a version that stays up?",
            "Please tell me how to stop it from quitting.",
            "Can I go back to the version before?",
            "What do you need from me to find the fault?",
        ),
    ),
    "refund_request": Intent(
        10,
        "the money you returned to us",
        (
            "I paid {amount} for the whole year and we had to close a week later, so I would like the money back.",
            "You took {amount} from my card twice in {month}.",
            "We were charged {amount} for {feature} although we never switched it on.",
            "Please give back the {amount} for {month}, nobody here used {product} at all.",
            "The trial ended and {amount} left my account without a word of warning.",
            "The second licence, for {colleague}, was bought by mistake.",
            "I sent the card reader back {days} days ago and still wait for my {amount}.",
            "Your colleague promised us {amount} back for the outage in {month}.",
        ),
        (
            "The payment shows on my statement next to {invoice}.",
            "The card ends in {four}.",
            "I have kept the mail in which you agreed to it.",
            "It was paid on {weekday}.",
            "We have not opened the app once since then.",
            "My bank says that only you can reverse it.",
        ),
        (
            "When will the money be on my card again?",
            "Please return it to the same card.",
            "Can you reverse the payment?",
            "I expect the sum within {days} days.",
        ),
    ),
    "printer_fault": Intent(
        9,
        "the receipts that came out empty",
        (
            "The receipt printer is silent {when} although its light is green.",
            "Labels for {goods} come out half a line too low.",
            "Receipts are empty {when}, the paper is in the right way round.",
            "{device} no longer finds the printer under the counter.",
            "It prints every receipt twice {when}.",
            "The bar codes on our {goods} are too pale to be scanned.",
            "The cash drawer doesn't open when the receipt is printed.",
            "Paper feeds without end after the first customer of the day.",
        ),
        (
            "The roll is new and from your own shop.",
            "The test page from the machine itself looks fine.",
            "I changed the cable and the plug.",
            "The printer is the model {four}.",
            "It worked until {hour} today.",
            "The kitchen slip is fine, only the customer's copy is affected.",
        ),
        (
            "Do I need a new printer?",
            "Which setting moves the print up?",
            "Please send somebody or tell me what to press.",
            "Can I get a driver for it?",
        ),
    ),
    "plan_change": Intent(
        8,
        "the switch to the larger plan",
        (
            "We open a second shop in {month} and need seats for {days} more people.",
            "Please move us from the monthly to the yearly tariff.",
            "The small package is enough for us now, the season is over.",
            "What would it cost to add {feature} to our contract?",
            "I'd like to go up to the package with {feature} from {weekday} on.",
            "{colleague} has left, so one seat fewer please.",
            "Can we pause the second till until {month} and pay less?",
            "We want to try the larger package for a month before we sign.",
        ),
        (
            "We pay {amount} at present.",
            "The change should start with the next bill.",
            "The offer on your page speaks of {amount} a month.",
            "We would stay for at least a year.",
            "All in all {days} people will use it.",
            "Head office has already agreed.",
        ),
        (
            "What do I have to do for that?",
            "Please confirm the new price.",
            "From when would it count?",
            "Can you switch it for us?",
        ),
    ),
    "cancellation_notice": Intent(
        7,
        "our thought of leaving you",
        (
            "We will stop using {product} at the end of {month}.",
            "Please end our contract, the shop has been sold.",
            "I want to close the account of {colleague} and mine for good.",
            "We have found another till system and will not renew.",
            "How much notice do I have to give to leave?",
            "Please don't renew the yearly package in {month}.",
            "This is my written notice for everything we have with you.",
            "We are retiring in {month}, so we won't need the app any longer.",
        ),
        (
            "The contract number is the one on {invoice}.",
            "Please delete our data after that.",
            "We were content with {feature}, it is only the price.",
            "I could find no button for it in the settings.",
            "The last bill has been paid, {amount}.",
            "Somebody told me that {days} days are enough.",
        ),
        (
            "Please confirm the last day in writing.",
            "Until when do I have to pay?",
            "Is anything left for me to sign?",
            "Please take no more money from the card.",
        ),
    ),
    "export_help": Intent(
        6,
        "the file for our accountant",
        (
            "How do I get all sales of {month} into a spreadsheet?",
            "The file for our accountant lacks the column with the tax.",
            "I need {feature} as CSV and the button is grey.",
            "Downloading {feature} ends at {days} percent {when}.",
            "In the file that I downloaded all umlauts and accents are broken.",
            "Is there a way to send the day's figures to {email} every evening?",
            "The download holds only {four} lines, there should be many more.",
            "Our tax adviser asks for a file in their own layout.",
        ),
        (
            "I opened it with two spreadsheet programs.",
            "The time span I chose was the whole of {month}.",
            "The columns for {goods} are empty.",
            "On {device} the menu does not exist at all.",
            "The file is named after {invoice} for some reason.",
            "It needs a semicolon between the columns.",
        ),
        (
            "Where do I find the full file?",
            "Could you make the file for me this once?",
            "Which menu is it in?",
            "How do I choose the columns?",
        ),
    ),
    "import_help": Intent(
        5,
        "the upload of our price list",
        (
            "I have a spreadsheet with {four} articles and want them in {product}.",
            "Uploading the price list of our supplier stops at line {days}.",
            "All my {goods} ended up in one group after the upload.",
            "Which columns must the file have for {feature}?",
            "After loading the supplier's file every price has lost its decimals.",
            "How do we bring our customers over from the old till?",
            "The upload says wrong separator, but it is the file that you gave me as a pattern.",
            "Half of the bar codes turned into strange numbers when I loaded the list.",
        ),
        (
            "The file is saved as CSV.",
            "The first line holds the names of the columns.",
            "The list has {four} lines.",
            "A short list of ten {goods} went through.",
            "I took the pattern from your page.",
            "The message speaks of line {days}.",
        ),
        (
            "Can I undo the upload?",
            "May I send you the file to look at?",
            "What should the file look like?",
            "Could you load it for me?",
        ),
    ),
    "slow_response": Intent(
        5,
        "the long waits at the till",
        (
            "It takes {days} seconds until a sale is booked {when}.",
            "Searching for {goods} makes us wait so long that customers leave.",
            "{feature} needs minutes to open on {device}.",
            "Everything drags at noon, when the shop is full.",
            "Typing in the price field lags behind by a whole word.",
            "Since {version} the start of the day takes a quarter of an hour.",
            "The list of {goods} scrolls like glue {when}.",
            "Closing the till at {hour} keeps us here half an hour longer than it used to.",
        ),
        (
            "The network is fast, we measured it.",
            "With few articles it is bearable.",
            "On my own phone it is quick.",
            "A restart helps for about {days} minutes.",
            "We have {four} articles in stock.",
            "The fan of the machine runs all the time.",
        ),
        (
            "What can be done to make it faster?",
            "Do we need a stronger machine?",
            "Is something wrong on your side?",
            "Would it help to delete old sales?",
        ),
    ),
    "feature_wish": Intent(
        5,
        "my idea from last year",
        (
            "It would be lovely if {feature} could be sorted by colour.",
            "Could you add a dark screen for {device}?",
            "We miss a way to sell {goods} by weight.",
            "My idea: a reminder when {goods} run low.",
            "Other tills can split a bill between friends, yours can't yet.",
            "A shortcut for the {days} most sold articles would save us much time.",
            "Please think about a version of {feature} for left-handed people.",
            "Will there ever be a way to note allergies beside {goods}?",
        ),
        (
            "{colleague} has been asking for it too.",
            "Half of our customers ask about it.",
            "We now do it with paper and pencil.",
            "I would even pay {amount} for it.",
            "It need not be perfect.",
            "Two other shops in {town} want the same.",
        ),
        (
            "Is it planned?",
            "May I help to test it?",
            "What do you think?",
            "Whom should I vote with?",
        ),
    ),
}
"""Intent to what is said about it."""

VAGUE = (
    "It is the same as in my last ticket, and it is still not solved.",
    "As {colleague} said on the phone on {weekday}, this can't go on.",
    "You answered that it was settled. It is not, {days} days later.",
    "I wrote to you about this on {weekday} and have heard nothing.",
    "Here we go again, just as in {month}.",
    "Please read what I sent on {weekday}, nothing has changed.",
    "The steps that you gave me on {weekday} did not help.",
    "I am writing for the third time because of {feature}.",
)
"""Openings that fit any intent: only the customer's other tickets tell which, as in real desks."""

GENERIC = (
    "We use version {version}.",
    "It began {when}.",
    "You can reach me under {phone} until {hour}.",
    "My mail is {email}.",
    "{colleague} can tell you more.",
    "We looked through the help pages first.",
    "It matters because {weekday} is our busiest day.",
    "I have attached a picture.",
    "This concerns {device}.",
    "I am in the shop from {hour} on.",
    "We have been with you for {days} months.",
    "If you need more, just ask for {colleague}.",
)
ASIDES = (
    "This has nothing to do with {topic}, which is settled.",
    "Thanks again for your help with {topic}.",
    "Perhaps it hangs together with {topic}, I don't know.",
    "First {topic} and now this.",
    "Besides, I have not forgotten {topic}.",
)
"""Sentences that name the topic of another intent, so that a bag of words can be misled."""

CONFLICTS = (
    ("It stopped working after the update on {weekday}.", ("crash_report", "sync_problem")),
    ("Wrong amount again!", ("billing_question", "refund_request")),
    ("Please call me back about the contract.", ("plan_change", "cancellation_notice")),
    ("The list of {goods} is not complete.", ("export_help", "sync_problem")),
    ("We were charged {amount} in {month}, what for?", ("billing_question", "refund_request")),
    ("Nothing happens when I press the button.", ("printer_fault", "crash_report", "slow_response")),
    ("How do I get our data from one till to the other?", ("export_help", "import_help", "sync_problem")),
    ("{product} hangs on {device}.", ("crash_report", "slow_response")),
    ("{colleague} has left us, please remove the seat.", ("plan_change", "cancellation_notice")),
    ("The page does not load {when}.", ("login_problem", "slow_response")),
    ("Is there a cheaper way to keep {feature}?", ("plan_change", "feature_wish")),
    ("The file can't be opened.", ("export_help", "import_help")),
    ("I can't get in to change the payment card.", ("login_problem", "billing_question")),
    ("No receipt for the sale on {weekday}.", ("printer_fault", "sync_problem")),
)
"""Texts that two or three agents read differently, with the labels that they gave."""

SLOTS = {
    "feature": (
        "the stock count", "the price list", "the day report", "the loyalty cards", "the gift vouchers",
        "the supplier list", "the label maker", "the table plan", "the shift plan", "the online orders",
        "the deposit bottles", "the monthly report", "the recipe sheet", "the customer cards",
    ),
    "goods": (
        "rye bread", "candles", "oat biscuits", "bicycle tubes", "wool socks", "tea tins", "olive oil", "birdseed",
        "picture frames", "ink bottles", "soap bars", "goat cheese", "plum jam", "clay pots", "second-hand novels",
    ),
    "colleague": (
        "Mara", "Tobias", "Ines", "Kofi", "Yuki", "Leonor", "Pavel", "Amira", "Sven", "Rosalind", "Dov", "Chidi",
        "Hanne", "Ravi", "Oksana", "Bram",
    ),
    "when": (
        "since this morning", "since Tuesday", "again", "since the weekend", "for two days now", "since the update",
        "every evening", "off and on", "since the power cut", "since we moved the router", "all week",
    ),
    "month": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}  # fmt: skip

DEVICES = (
    "the tablet at the counter", "the old till by the door", "the office laptop", "our kitchen screen",
    "the hand scanner", "the phone of the shop", "the second till", "the terminal in the yard",
    "the market stall tablet", "the till upstairs",
)  # fmt: skip
SHOPS = (
    "a bakery", "a book shop", "a bicycle workshop", "a flower stall", "a tea room", "a hardware store", "a kiosk",
    "a garden centre", "a wool shop", "a café", "a pottery", "a farm shop", "a toy shop", "a frame maker's",
    "a cheese counter", "a stationer's", "a lamp shop", "a fishmonger's",
)  # fmt: skip
TOWNS = (
    "Ostermill", "Lowfen", "Graywater", "Pennick Cross", "Saltby", "Harrowmere", "Tindle Bay", "Upper Quell",
    "Marlhead", "Brackenford", "Dunmoor", "Windle End", "Kettlewick", "Ashbrook Vale", "Nettlecombe", "Farrow Green",
)  # fmt: skip
GREETINGS = (
    "Hello,", "Hi there,", "Good morning,", "Dear team,", "Hey,", "Good day,", "To the help desk:", "Hello again,",
    "Dear Sir or Madam,", "Hi Tallyfern,",
)  # fmt: skip
GOODBYES = (
    "Thanks, {name}", "Best wishes, {name}", "{name} from {town}", "Yours, {name}", "Many thanks in advance. {name}",
    "Cheers, {name}", "Kind regards, {name}, {town}", "{name}",
)  # fmt: skip
HABITS = (
    "I am no technician, so plain words please.",
    "As ever, I am grateful for a quick answer.",
    "Please don't send me to the help pages again.",
    "Honestly, I am running out of patience.",
    "No hurry, we are a calm little place.",
    "My daughter set it all up and she is away.",
    "I would rather talk than type.",
    "You have always been kind, so I try once more.",
    "Time is money in this trade.",
    "I write this between two customers.",
    "Mind that we have no network in the cellar.",
    "My husband thinks it is my fault, prove him wrong.",
    "Last time it took a whole week.",
    "Otherwise we are happy with you.",
    "Our apprentice has already tried everything.",
    "Write back in the evening, I can't answer before.",
)
"""Phrases that one customer comes back to: what makes a random split look better than it is."""


class Language(NamedTuple):
    """The same in another language, shorter."""

    greetings: tuple[str, ...]
    openings: dict[str, tuple[str, ...]]
    details: tuple[str, ...]
    goodbyes: tuple[str, ...]


LANGUAGES = {
    "es": Language(
        ("Hola:", "Buenos días,", "Estimado equipo:"),
        {
            "billing_question": ("No entiendo el importe de {amount} en la factura {invoice}.",),
            "login_problem": ("No puedo entrar en mi cuenta, la contraseña nueva tampoco funciona.",),
            "sync_problem": ("La caja muestra {days} unidades y el portátil de la oficina ninguna.",),
            "crash_report": ("La aplicación se cierra sola con el error {four} al cobrar.",),
            "refund_request": ("Me han cobrado {amount} dos veces y quiero que me devuelvan el dinero.",),
            "printer_fault": ("La impresora de recibos saca el papel en blanco, modelo {four}.",),
            "plan_change": ("Queremos pasar a la tarifa anual con {days} usuarios más.",),
            "cancellation_notice": ("Cerramos la tienda y queremos dar de baja el contrato en {days} días.",),
            "export_help": ("¿Cómo bajo las ventas del mes en una hoja de cálculo? El archivo tiene {four} líneas.",),
            "import_help": ("Al subir la lista de precios se detiene en la línea {days}.",),
            "slow_response": ("Cada venta tarda {days} segundos y los clientes se impacientan.",),
            "feature_wish": ("Sería estupendo poder vender por peso, pagaríamos {amount} más.",),
        },
        (
            "Usamos la versión {version} en la tienda de {town}.",
            "Pasa desde hace {days} días y ya hemos reiniciado todo.",
            "Mi teléfono es {phone} y estoy en la tienda desde las {hour}.",
            "Pueden escribirme a {email} cuando quieran.",
            "El número que aparece es {four}, por si les ayuda.",
        ),
        ("Gracias, {name}", "Un saludo, {name}", "{name}, {town}"),
    ),
    "de": Language(
        ("Guten Tag,", "Hallo zusammen,", "Liebes Team,"),
        {
            "billing_question": ("Auf der Rechnung {invoice} stehen {amount}, die wir nicht verstehen.",),
            "login_problem": ("Ich komme seit {days} Tagen nicht mehr in mein Konto, das Kennwort wird abgelehnt.",),
            "sync_problem": ("Die Kasse zeigt {days} Stück an, der Rechner im Büro aber gar keine.",),
            "crash_report": ("Das Programm schließt sich mit Fehler {four}, sobald ich kassiere.",),
            "refund_request": ("Sie haben {amount} doppelt abgebucht, bitte zahlen Sie das Geld zurück.",),
            "printer_fault": ("Der Bondrucker {four} spuckt nur noch leere Zettel aus.",),
            "plan_change": ("Wir möchten auf den größeren Tarif mit {days} Plätzen wechseln.",),
            "cancellation_notice": ("Wir geben das Geschäft auf und kündigen hiermit den Vertrag zu {invoice}.",),
            "export_help": ("Wie bekomme ich alle Verkäufe als Tabelle? In der Datei fehlen {four} Zeilen.",),
            "import_help": ("Beim Hochladen der Preisliste bleibt es in Zeile {days} stehen.",),
            "slow_response": ("Jeder Verkauf dauert {days} Sekunden, so kann man nicht arbeiten.",),
            "feature_wish": ("Schön wäre eine Erinnerung, wenn weniger als {days} Stück im Lager sind.",),
        },
        (
            "Wir haben die Version {version} und sitzen in {town}.",
            "Sie erreichen mich ab {hour} Uhr unter {phone}.",
            "Meine Adresse für Rückfragen ist {email}.",
            "Das geht nun schon {days} Tage so, langsam wird es lästig.",
            "Auf dem Bildschirm steht die Nummer {four}.",
        ),
        ("Viele Grüße, {name}", "Danke im Voraus, {name}", "{name} aus {town}"),
    ),
    "zh": Language(
        ("你们好，", "客服您好，", "您好："),
        {
            "billing_question": ("账单 {invoice} 上有一笔 {amount} 的费用，我们看不明白是怎么来的。",),
            "login_problem": ("我已经 {days} 天登录不上账号了，新密码也一直提示不正确。",),
            "sync_problem": ("柜台的平板显示还有 {days} 件库存，办公室的电脑却显示一件也没有。",),
            "crash_report": ("每次收款的时候程序就自己退出，屏幕上出现错误 {four}。",),
            "refund_request": ("你们重复扣了我 {amount}，请把多收的钱退回原来的银行卡。",),
            "printer_fault": ("型号 {four} 的小票打印机只出白纸，换了新的纸卷也没有用。",),
            "plan_change": ("我们想换成按年付费的套餐，再增加 {days} 个使用人。",),
            "cancellation_notice": ("店铺 {days} 天后就要关门了，请帮我们终止合同，不再续费。",),
            "export_help": ("请问怎样把整个月的销售记录下载成表格？现在的文件只有 {four} 行。",),
            "import_help": ("上传供应商的价格表时，总是停在第 {days} 行，后面的商品都没有进来。",),
            "slow_response": ("每记一笔销售都要等 {days} 秒，中午排队的客人都等不及了。",),
            "feature_wish": ("希望以后可以按重量卖货，哪怕每月多付 {amount} 我们也愿意。",),
        },
        (
            "我们用的是 {version} 版本，店里的设备都已经重新启动过了。",
            "可以打电话 {phone} 找我，我 {hour} 以后都在店里。",
            "请把答复发到 {email}，我晚上会看邮件的。",
            "这个情况已经有 {days} 天了，希望能尽快得到处理。",
            "我们的店在 {town}，周末的客人特别多。",
        ),
        ("谢谢！{name}", "麻烦你们了，{name}", "{name} 敬上"),
    ),
    "ar": Language(
        ("مرحبا،", "صباح الخير،", "السلام عليكم،"),
        {
            "billing_question": ("لا أفهم مبلغ {amount} المذكور في الفاتورة {invoice}.",),
            "login_problem": ("لا أستطيع الدخول إلى حسابي منذ {days} أيام وكلمة السر الجديدة مرفوضة.",),
            "sync_problem": ("يظهر في الصندوق {days} قطعة بينما لا يظهر شيء على حاسوب المكتب.",),
            "crash_report": ("يتوقف البرنامج وحده عند الدفع ويظهر الخطأ {four}.",),
            "refund_request": ("سحبتم {amount} من بطاقتي مرتين وأريد استرجاع المال.",),
            "printer_fault": ("طابعة الإيصالات رقم {four} تخرج ورقا أبيض فقط.",),
            "plan_change": ("نريد الانتقال إلى الباقة السنوية مع {days} مستخدمين إضافيين.",),
            "cancellation_notice": ("سنغلق المحل بعد {days} يوما ونرجو إنهاء العقد.",),
            "export_help": ("كيف أحصل على مبيعات الشهر في جدول؟ الملف فيه {four} سطرا فقط.",),
            "import_help": ("عند رفع قائمة الأسعار يتوقف كل شيء عند السطر {days}.",),
            "slow_response": ("كل عملية بيع تستغرق {days} ثانية والزبائن ينتظرون طويلا.",),
            "feature_wish": ("نتمنى إضافة البيع بالوزن ونحن مستعدون لدفع {amount} أكثر.",),
        },
        (
            "نستخدم الإصدار {version} في متجرنا في {town}.",
            "يمكنكم الاتصال بي على {phone} بعد الساعة {hour}.",
            "بريدي هو {email} وأقرأه كل مساء.",
            "المشكلة مستمرة منذ {days} أيام ولم ينفع إعادة التشغيل.",
            "الرقم الظاهر على الشاشة هو {four}.",
        ),
        ("شكرا لكم، {name}", "مع التحية، {name}", "{name}"),
    ),
}
"""Languages in which a few customers write everything."""

LOG_LINES = (
    "{stamp} worker {days} asked for page {four} and got no answer, next try in {days} s",
    "{stamp} queue holds {four} items, oldest from {hour}",
    "{stamp} device {four} came back after {days} s",
    "{stamp} price table read, {four} lines, checksum {four}{four}",
    "{stamp} printer job {four} handed over",
    "{stamp} warning: clock differs by {days} s from the server",
    "{stamp} basket {four} closed with {days} lines",
)
PLACEHOLDERS = ("{{customer_name}}", "{{shop_name}}", "{{invoice_number}}", "{{agent_name}}")
