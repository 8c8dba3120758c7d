/** What one look has found. */
export interface Finding {
  /** What was looked at. */
  about: string
  /** `warning`: it works, and will not for long, or not as somebody expects. */
  state: 'ok' | 'warning' | 'failed'
  message: string
  /** What to do about it. */
  advice?: string
}

export function ok(about: string, message: string): Finding {
  return { about, state: 'ok', message }
}

export function warning(about: string, message: string, advice: string): Finding {
  return { about, state: 'warning', message, advice }
}

export function failed(about: string, message: string, advice: string): Finding {
  return { about, state: 'failed', message, advice }
}
