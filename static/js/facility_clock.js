// The time at the facility: facilityClock(zone) returns a function from milliseconds since 1970 to
// "2026-10-25 02:30". Where its clock shows this time twice, a name follows: "2026-10-25 02:30 CEST".
// It returns null for a time zone that the browser does not know.
(() => {
  "use strict";

  const MINUTE_MS = 60000;
  // By how much clocks are set: mostly an hour, on Lord Howe half an hour, at Troll two hours.
  const SHIFTS = [30, 60, 120];

  function nameOf(ms, timeZone) {
    const partOf = (language, timeZoneName) =>
      new Intl.DateTimeFormat(language, { timeZone, timeZoneName })
        .formatToParts(ms)
        .find((part) => part.type === "timeZoneName").value;
    // "GMT-4" is no name. Languages know the names of their own countries only.
    const names = ["en-GB", "en-US"].map((language) => partOf(language, "short"));
    const offset = partOf("en-GB", "longOffset").replace(/^GMT(?=.)/, "");
    return names.find((name) => !/^GMT./.test(name)) ?? offset;
  }

  window.facilityClock = (timeZone) => {
    let format;
    try {
      // Swedish dates are written as in ISO 8601.
      format = new Intl.DateTimeFormat("sv-SE", {
        timeZone,
        dateStyle: "short",
        timeStyle: "short",
      });
    } catch {
      return null;
    }
    return (ms) => {
      const text = format.format(ms);
      const isTwice = SHIFTS.some((minutes) =>
        [-1, 1].some((way) => format.format(ms + way * minutes * MINUTE_MS) === text),
      );
      return isTwice ? `${text} ${nameOf(ms, timeZone)}` : text;
    };
  };
})();
